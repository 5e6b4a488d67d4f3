/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - a finished job as JSON.  Bytes from the jail become valid UTF-8
 * (or base64, for collected files that are none); nothing is interpreted.
 */
#include "api/jobs/report.h"

#include <stdio.h>
#include <string.h>

#include "api/jobs/text.h"
#include "supervisor/base/callargs.h"
#include "supervisor/base/str.h"

static json_t *
text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0'
		       ? text_to_json(text, strlen(text))
		       : json_null();
}

static json_t *
sha256_to_json(const uint8_t sha256[PROTO_SHA256_SIZE])
{
	char hex[2 * PROTO_SHA256_SIZE + 1];

	str_hex(hex, sha256, PROTO_SHA256_SIZE);
	return json_string(hex);
}

static json_t *
policy_to_json(const struct job_request *request,
	       const struct client_job_result *result)
{
	if (!result->has_started)
		return json_pack("{s:s, s:n}", "name", request->policy,
				 "sha256");
	return json_pack(
		"{s:s, s:o, s:o}", "name", result->started.policy, "sha256",
		sha256_to_json(result->started.policy_sha256), "bpf_sha256",
		sha256_to_json(result->started.bpf_sha256));
}

static json_t *
limits_to_json(const struct client_job_result *result)
{
	const struct proto_limits *l = &result->started.limits;

	if (!result->has_started)
		return json_null();
	return json_pack("{s:f, s:f, s:I, s:i, s:i}", "timeout_seconds",
			 (double)l->wall_ms / 1000, "memory_mb",
			 (double)l->memory_bytes / 1048576, "output_bytes",
			 (json_int_t)l->output_bytes, "pids", (int)l->pids,
			 "cpu_percent", (int)l->cpu_percent);
}

static json_t *
usage_to_json(const struct client_job_result *result)
{
	const struct proto_job_done *d = &result->done;

	if (result->is_lost)
		return json_null();
	return json_pack(
		"{s:f, s:f, s:I, s:i, s:f}", "wall_ms",
		(double)d->wall_us / 1000, "cpu_ms", (double)d->cpu_us / 1000,
		"memory_peak_bytes", (json_int_t)d->memory_peak_bytes,
		"pids_peak", (int)d->pids_peak, "prepare_ms",
		result->has_started ? (double)result->started.prepare_us / 1000
				    : 0.0);
}

/* ---- denials --------------------------------------------------------- */

static json_t *
denial_to_json(const struct proto_job_denial *denial)
{
	json_t *args = json_array();
	char call[CALLARGS_SIZE];

	callargs_describe(call, sizeof(call), denial->syscall, denial->args);
	for (size_t i = 0; i < 6; i++) {
		char hex[24];

		snprintf(hex, sizeof(hex), "0x%llx",
			 (unsigned long long)denial->args[i]);
		json_array_append_new(args, json_string(hex));
	}
	return json_pack("{s:s, s:s, s:o, s:i, s:i, s:i}", "syscall",
			 denial->syscall, "call", call, "args", args, "errno",
			 (int)denial->errnum, "pid", (int)denial->pid, "count",
			 1);
}

/* The same call again, apart from who made it? */
static bool
is_repeated(const struct proto_job_denial *a, const struct proto_job_denial *b)
{
	return a->nr == b->nr && a->arch == b->arch && a->pid == b->pid &&
	       a->errnum == b->errnum &&
	       memcmp(a->args, b->args, sizeof(a->args)) == 0;
}

static json_t *
denials_to_json(const struct client_job_result *result)
{
	json_t *array = json_array(), *last = NULL;

	for (size_t i = 0; i < result->denials_count; i++) {
		const struct proto_job_denial *d = &result->denials[i];

		if (last != NULL && is_repeated(d - 1, d)) {
			json_t *count = json_object_get(last, "count");

			json_integer_set(count, json_integer_value(count) + 1);
			continue;
		}
		last = denial_to_json(d);
		json_array_append_new(array, last);
	}
	return array;
}

/* ---- collected files ------------------------------------------------- */

static json_t *
file_to_json(const struct bundle_entry *entry)
{
	static const char *const names[BUNDLE_STATUS_COUNT] = {
		[BUNDLE_OK] = "ok",
		[BUNDLE_MISSING] = "missing",
		[BUNDLE_NOT_REGULAR] = "not_regular",
		[BUNDLE_TOO_LARGE] = "too_large",
		[BUNDLE_UNREADABLE] = "unreadable",
	};
	json_t *file = json_pack(
		"{s:o, s:s}", "path",
		text_to_json(entry->path, strlen(entry->path)), "status",
		entry->status < BUNDLE_STATUS_COUNT ? names[entry->status]
						    : "unreadable");

	if (entry->status != BUNDLE_OK)
		return file;
	json_object_set_new(file, "size", json_integer((json_int_t)entry->len));
	if (text_is_utf8(entry->data, entry->len))
		json_object_set_new(file, "content",
				    text_to_json(entry->data, entry->len));
	else
		json_object_set_new(
			file, "content_base64",
			text_base64_to_json(entry->data, entry->len));
	return file;
}

static json_t *
files_to_json(const struct client_job_result *result)
{
	json_t *array = json_array();
	struct bundle_reader reader;
	struct bundle_entry entry;
	struct err e;

	if (result->collected.len == 0 ||
	    bundle_reader_init(&reader, result->collected.data,
			       result->collected.len, &e) < 0)
		return array;
	while (bundle_reader_next(&reader, &entry, &e) > 0) {
		if (entry.kind == BUNDLE_FILE)
			json_array_append_new(array, file_to_json(&entry));
	}
	return array;
}

/* ---- the whole ------------------------------------------------------- */

static void
add_ending(json_t *data, const struct client_job_result *result)
{
	const struct proto_job_done *d = &result->done;
	bool has_exited =
		!result->is_lost && d->outcome == PROTO_OUTCOME_EXITED;
	bool has_signal = !result->is_lost && d->signal != 0 && !has_exited;

	json_object_set_new(data, "exit_code",
			    has_exited ? json_integer(d->exit_code)
				       : json_null());
	json_object_set_new(data, "signal",
			    has_signal ? json_integer(d->signal) : json_null());
}

static void
add_output(json_t *data, const struct client_job_result *result)
{
	bool is_truncated =
		result->out.is_truncated || result->err_out.is_truncated;

	json_object_set_new(data, "stdout",
			    text_to_json(result->out.data, result->out.len));
	json_object_set_new(
		data, "stderr",
		text_to_json(result->err_out.data, result->err_out.len));
	json_object_set_new(data, "truncated", json_boolean(is_truncated));
}

json_t *
job_report(const char *job_id, const struct job_request *request,
	   const struct client_job_result *result,
	   const struct results *results, const struct job_verdict *verdict)
{
	json_t *data = json_pack("{s:s, s:s, s:s, s:o, s:o}", "job_id", job_id,
				 "language", request->runtime.name, "outcome",
				 job_outcome_name(verdict->outcome), "reason",
				 text_or_null(verdict->reason), "error",
				 text_or_null(verdict->err.text));

	if (data == NULL)
		return NULL;
	add_ending(data, result);
	json_object_set_new(data, "tests",
			    results != NULL ? results_to_json(results)
					    : json_null());
	add_output(data, result);
	json_object_set_new(data, "usage", usage_to_json(result));
	json_object_set_new(data, "limits", limits_to_json(result));
	json_object_set_new(data, "policy", policy_to_json(request, result));
	json_object_set_new(data, "denials", denials_to_json(result));
	json_object_set_new(
		data, "denials_total",
		json_integer(result->is_lost
				     ? (json_int_t)result->denials_count
				     : (json_int_t)result->done.denials_total));
	json_object_set_new(data, "files", files_to_json(result));
	return data;
}

json_t *
job_report_error(const char *job_id, const char *reason, const char *error)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "job_id", job_id, "outcome",
			 job_outcome_name(JOB_ERROR), "reason", reason, "error",
			 text_or_null(error));
}
