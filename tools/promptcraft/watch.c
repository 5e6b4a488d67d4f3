/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - `promptcraft workflow watch`: what happens to a workflow, until it
 * ends.  Whenever the connection ends before that, it comes back with the id
 * of the last event that it has seen.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/show.h"
#include "tools/promptcraft/sse.h"

#define BAR_WIDTH 24
#define RETRY_DEFAULT_MS 2000u
/* For how long nobody may answer. */
#define PATIENCE_MS 300000u

struct watching {
	struct cli *cli;
	const char *id;
	char path[128];
	char last_id[SSE_ID_MAX + 1];
	char status[24];  /* of the workflow, as the last event says */
	bool is_terminal; /* stdout is one */
	bool has_line;	  /* there is a bar to be overwritten */
	struct sse_parser parser;
};

/* ---- what is shown --------------------------------------------------- */

static void
clear_bar(struct watching *w)
{
	if (w->has_line)
		fputs("\r\033[K", stdout);
	w->has_line = false;
}

static void
print_text(const char *text)
{
	cli_print_untrusted(stdout, text, strlen(text));
}

static void
print_bar(struct watching *w, const json_t *data)
{
	double percent =
		json_number_value(json_object_get(data, "progress_percentage"));
	int done = (int)(percent * BAR_WIDTH / 100.0 + 0.5);
	const char *message = cli_json_string(data, "message", "");

	clear_bar(w);
	done = done < 0 ? 0 : done > BAR_WIDTH ? BAR_WIDTH : done;
	putchar('[');
	for (int i = 0; i < BAR_WIDTH; i++)
		putchar(i < done ? '#' : '.');
	printf("] %3.0f%% ", percent);
	cli_styled(w->cli, show_style(w->status), "%s", w->status);
	if (message[0] != '\0') {
		fputs(": ", stdout);
		cli_print_untrusted(stdout, message, strcspn(message, "\n"));
	}
	w->has_line = true;
	fflush(stdout);
}

static void
print_line(struct watching *w, const char *name, const json_t *data)
{
	const char *message = cli_json_string(data, "message", "");
	const json_t *step = json_object_get(data, "step_id");

	print_text(cli_json_string(data, "at",
				   cli_json_string(data, "updated_at", "")));
	printf("  %3.0f%%  ",
	       json_number_value(json_object_get(data, "progress_percentage")));
	cli_styled(w->cli, show_style(w->status), "%-16s", w->status);
	putchar(' ');
	print_text(name);
	if (json_is_integer(step))
		printf(" step %lld", (long long)json_integer_value(step));
	if (message[0] != '\0') {
		fputs(": ", stdout);
		cli_print_untrusted(stdout, message, strcspn(message, "\n"));
	}
	putchar('\n');
	fflush(stdout);
}

static void
print_approval(const struct watching *w, const json_t *approval)
{
	printf("waiting for approval: ");
	print_text(cli_json_string(approval, "description", "?"));
	printf(" (risk ");
	print_text(cli_json_string(approval, "risk_level", "?"));
	printf(", until ");
	print_text(cli_json_string(approval, "expires_at", "?"));
	printf(")\n  look:    promptcraft workflow show %s\n"
	       "  decide:  promptcraft workflow approve %s (shows it, asks)\n"
	       "           promptcraft workflow reject %s\n",
	       w->id, w->id, w->id);
	fflush(stdout);
}

static int
fetch_status(const struct watching *w, json_t **ret_answer, struct err *e)
{
	char path[128];

	(void)str_printf(path, sizeof(path), "/api/v3/execute/status/%s",
			 w->id);
	return cli_call(w->cli, "GET", path, NULL, ret_answer, e);
}

/* What somebody has to do now, so that it goes on. */
static void
print_what_to_do(struct watching *w)
{
	json_t *answer = NULL;
	struct err e = ERR_INIT;
	const json_t *pending;

	if (fetch_status(w, &answer, &e) == -1)
		return; /* the stream says what there is to say */
	clear_bar(w);
	pending = json_object_get(json_object_get(answer, "data"),
				  "pending_approvals");
	for (size_t i = 0; i < json_array_size(pending); i++)
		print_approval(w, json_array_get(pending, i));
	json_decref(answer);
}

/* ---- events ---------------------------------------------------------- */

static void
show_event(struct watching *w, const struct sse_event *event,
	   const json_t *data)
{
	if (w->cli->is_json) {
		puts(event->data);
		fflush(stdout);
	} else if (w->is_terminal) {
		print_bar(w, data);
	} else {
		print_line(w, event->name, data);
	}
}

static int
take_closed(const json_t *data, struct err *e)
{
	return err_set(e, ERR_DENIED, 0, "the API ended the stream: %s",
		       cli_json_string(data, "detail", "no reason given"));
}

static int
take_event(void *arg, const struct sse_event *event, struct err *e)
{
	struct watching *w = arg;
	json_t *data = json_loads(event->data, 0, NULL);
	bool was_waiting = strcmp(w->status, "waiting_approval") == 0;
	int rc = 0;

	if (!json_is_object(data)) {
		json_decref(data);
		return err_set(e, ERR_PEER, 0, "an event is not JSON");
	}
	if (strcmp(event->name, "closed") == 0) {
		rc = take_closed(data, e);
	} else {
		if (event->id[0] != '\0')
			(void)str_copy(w->last_id, sizeof(w->last_id),
				       event->id);
		(void)str_copy(w->status, sizeof(w->status),
			       cli_json_string(data, "status", "?"));
		show_event(w, event, data);
		if (!was_waiting && !w->cli->is_json &&
		    strcmp(w->status, "waiting_approval") == 0)
			print_what_to_do(w);
	}
	json_decref(data);
	return rc;
}

static int
take_bytes(void *arg, const char *bytes, size_t len, struct err *e)
{
	struct watching *w = arg;

	return sse_feed(&w->parser, bytes, len, e);
}

/* ---- until it ends --------------------------------------------------- */

static bool
is_over(const struct watching *w)
{
	return strcmp(w->status, "completed") == 0 ||
	       strcmp(w->status, "failed") == 0 ||
	       strcmp(w->status, "cancelled") == 0;
}

/* All was seen before it ended; its status says how. */
static int
ask_status(struct watching *w, struct err *e)
{
	json_t *answer = NULL;

	if (fetch_status(w, &answer, e) == -1)
		return -1;
	(void)str_copy(w->status, sizeof(w->status),
		       cli_json_string(json_object_get(answer, "data"),
				       "status", "?"));
	json_decref(answer);
	return 1;
}

/* 1: an answer came, go on; 0: none, try again; -1: there is no use. */
static int
watch_once(struct watching *w, struct err *e)
{
	long status = 0;

	sse_reset(&w->parser);
	if (cli_stream(w->cli, w->path, w->last_id, take_bytes, w, &status, e) <
	    0) {
		if (status == 429 || status == 503)
			return 0;
		return e->kind == ERR_PEER && status == 0 ? 0 : -1;
	}
	if (status == 204)
		return ask_status(w, e);
	/* A stream that breaks off is nothing but a reason to come back. */
	return 1;
}

static int
watch_to_the_end(struct watching *w, struct err *e)
{
	uint64_t heard_ms = 0;

	while (!is_over(w)) {
		uint64_t wait_ms = w->parser.retry_ms > 0 ? w->parser.retry_ms
							  : RETRY_DEFAULT_MS;
		int rc = watch_once(w, e);

		if (rc < 0)
			return -1;
		if (rc == 1)
			heard_ms = clock_mono_ms();
		/* Never heard: there is nothing to come back to. */
		if (rc == 0 &&
		    (heard_ms == 0 || clock_mono_ms() - heard_ms > PATIENCE_MS))
			return -1;
		if (!is_over(w))
			(void)usleep((useconds_t)wait_ms * 1000u);
	}
	return 0;
}

int
cli_workflow_watch(struct cli *cli, const struct cli_command *self, int argc,
		   char **argv)
{
	struct watching w = {.cli = cli,
			     .parser.take = take_event,
			     .is_terminal = isatty(STDOUT_FILENO)};
	struct err e = ERR_INIT;
	int first, rc;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 1, 1, &first);

	if (status >= 0)
		return status;
	w.parser.arg = &w;
	w.id = argv[first];
	if (!str_is_name(w.id, 64)) {
		err_set(&e, ERR_INVALID, 0, "that is not a workflow's id");
		return cli_fail(&e);
	}
	(void)str_printf(w.path, sizeof(w.path), "/api/v3/execute/events/%s",
			 w.id);
	rc = watch_to_the_end(&w, &e);
	sse_done(&w.parser);
	if (w.has_line)
		putchar('\n');
	if (rc < 0)
		return cli_fail(&e);
	return strcmp(w.status, "completed") == 0 ? CLI_OK : CLI_FAILED;
}
