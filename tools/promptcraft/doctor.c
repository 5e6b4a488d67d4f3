/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.c - `promptcraft doctor`: run the probes and show the report.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/root.h"
#include "tools/promptcraft/probe.h"

static const struct {
	const char *name;
	enum cli_style style;
} states[] = {
	[LAYER_OK] = {"ok", CLI_GOOD},
	[LAYER_DEGRADED] = {"degraded", CLI_WARN},
	[LAYER_MISSING] = {"missing", CLI_BAD},
};

/* In the order in which one thing needs another. */
static void (*const groups[])(struct report *) = {
	probe_kernel,  probe_namespaces, probe_lockdown,
	probe_cgroups, probe_install,
};

static enum layer_state
overall_state(const struct report *r)
{
	enum layer_state worst = LAYER_OK;
	for (size_t i = 0; i < r->len; i++) {
		enum layer_state s = r->layer[i].state;
		if (s == LAYER_MISSING && !r->layer[i].is_required)
			s = LAYER_DEGRADED;
		if (s > worst)
			worst = s;
	}
	return worst;
}

static void
print_text(const struct report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		const struct layer *l = &r->layer[i];
		cli_styled(r->cli, states[l->state].style, "%-9s",
			   states[l->state].name);
		printf(" %-31s %s\n", l->name,
		       l->state == LAYER_OK ? l->detail : "");
		if (l->state == LAYER_OK)
			continue;
		printf("          cause: %s\n          fix:   %s\n", l->cause,
		       l->fix);
	}
	enum layer_state state = overall_state(r);
	putchar('\n');
	cli_styled(r->cli, states[state].style, "%s",
		   state == LAYER_OK ? "Every layer is there: jails can run."
		   : state == LAYER_DEGRADED
			   ? "Jails can run; see what is degraded or missing "
			     "above."
			   : "Jobs are refused until the missing layers are "
			     "there.");
	putchar('\n');
}

static void
print_json(const struct report *r)
{
	json_t *layers = json_array();
	for (size_t i = 0; i < r->len; i++) {
		const struct layer *l = &r->layer[i];
		bool is_ok = l->state == LAYER_OK;
		json_array_append_new(
			layers,
			json_pack("{s:s, s:s, s:b, s:s, s:s?, s:s?}", "name",
				  l->name, "state", states[l->state].name,
				  "required", (int)l->is_required, "detail",
				  l->detail, "cause", is_ok ? NULL : l->cause,
				  "fix", is_ok ? NULL : l->fix));
	}
	cli_print_json(json_pack("{s:s, s:o}", "status",
				 states[overall_state(r)].name, "layers",
				 layers));
}

int
cli_doctor(struct cli *cli, const struct cli_command *self, int argc,
	   char **argv)
{
	int first;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 0, 0, &first);
	if (status >= 0)
		return status;
	owned_mem struct report *r = calloc(1, sizeof(*r));
	struct err e = ERR_INIT;
	if (r == NULL) {
		err_sys(&e, "report");
		return cli_fail(&e);
	}
	r->cli = cli;
	probe_find_exe(r);
	/*
	 * The supervisor does this at its start, so a chroot is no obstacle;
	 * the probes must stand where it stands.  If it fails, they say why.
	 */
	if (geteuid() == 0)
		(void)root_leave_chroot(&e);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		cli_progress(cli, "probing...");
		groups[i](r);
	}
	cli_progress_end(cli);
	if (cli->is_json)
		print_json(r);
	else
		print_text(r);
	return overall_state(r) == LAYER_MISSING ? CLI_FAILED : CLI_OK;
}
