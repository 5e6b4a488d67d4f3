/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_proc.c - the gate's reading of /proc texts.
 *
 * Input: the text of a status file; also as mountinfo.  A task passes the
 * check only if every line that the check stands on is there, once, with the
 * value that a payload must have; that is looked up here a second way.
 */
#include "supervisor/base/str.h"
#include "supervisor/gate.h"
#include "tests/fuzz/fuzz.h"

#define PAYLOAD_ID 100001u

/* How many lines begin with "key:"; *ret_value is the last one's rest. */
static unsigned
lines_of(const char *text, const char *key, char *ret_value, size_t size)
{
	unsigned count = 0;
	size_t len = strlen(key);

	for (const char *at = text; at != NULL && *at != '\0';) {
		const char *end = strchr(at, '\n');
		size_t n = end != NULL ? (size_t)(end - at) : strlen(at);

		if (n > len && strncmp(at, key, len) == 0 && at[len] == ':') {
			count++;
			snprintf(ret_value, size, "%.*s", (int)(n - len - 1),
				 at + len + 1);
		}
		at = end != NULL ? end + 1 : NULL;
	}
	return count;
}

static void
check_zero(const char *text, const char *key)
{
	char value[256];

	FUZZ_CHECK(lines_of(text, key, value, sizeof(value)) == 1);
	FUZZ_CHECK(strspn(value, " \t0xX") == strlen(value));
}

static void
check_ids(const char *text, const char *key)
{
	char value[256];
	unsigned id[4], extra;

	FUZZ_CHECK(lines_of(text, key, value, sizeof(value)) == 1);
	FUZZ_CHECK(sscanf(value, "%u %u %u %u %u", &id[0], &id[1], &id[2],
			  &id[3], &extra) == 4);
	for (int i = 0; i < 4; i++)
		FUZZ_CHECK(id[i] == PAYLOAD_ID);
}

static void
check_accepted(const char *text)
{
	static const char *const caps[] = {"CapInh", "CapPrm", "CapEff",
					   "CapBnd", "CapAmb", "TracerPid"};
	char value[256];
	unsigned n;

	check_ids(text, "Uid");
	check_ids(text, "Gid");
	for (size_t i = 0; i < ARRAY_LEN(caps); i++)
		check_zero(text, caps[i]);
	FUZZ_CHECK(lines_of(text, "Seccomp", value, sizeof(value)) == 1);
	FUZZ_CHECK(sscanf(value, "%u", &n) == 1 && n == 2);
	FUZZ_CHECK(lines_of(text, "NoNewPrivs", value, sizeof(value)) == 1);
	FUZZ_CHECK(sscanf(value, "%u", &n) == 1 && n == 1);
	FUZZ_CHECK(lines_of(text, "Groups", value, sizeof(value)) == 1);
	FUZZ_CHECK(strspn(value, " \t") == strlen(value));
}

/* A task as it must be passes, or there would be nothing to search. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char good[] =
		"Name:\tx\nTracerPid:\t0\nThreads:\t1\n"
		"Uid:\t100001\t100001\t100001\t100001\n"
		"Gid:\t100001\t100001\t100001\t100001\n"
		"Groups:\t \nNSpid:\t7\t2\nCapInh:\t0\nCapPrm:\t0\n"
		"CapEff:\t0\nCapBnd:\t0\nCapAmb:\t0\nNoNewPrivs:\t1\n"
		"Seccomp:\t2\nSeccomp_filters:\t1\n";
	struct gate_status s;
	struct err e = ERR_INIT;

	(void)argc;
	(void)argv;
	FUZZ_CHECK(gate_status_parse(good, &s, &e) == 0);
	FUZZ_CHECK(gate_status_check(&s, PAYLOAD_ID, &e) == 0);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gate_status s = {0};
	struct err e = ERR_INIT;
	uint64_t value;
	char *text;

	if (len > 16384)
		return -1;
	text = fuzz_text(data, len);
	if (gate_status_parse(text, &s, &e) < 0)
		FUZZ_CHECK(e.kind == ERR_INVALID && e.text[0] != '\0');
	else if (gate_status_check(&s, PAYLOAD_ID, &e) == 0)
		check_accepted(text);
	else
		FUZZ_CHECK(e.kind == ERR_DENIED && e.text[0] != '\0');
	if (gate_field_u64(text, "Pid", 10, &value) == 0)
		FUZZ_CHECK(gate_has_mount(text, value) >= 0);
	(void)gate_has_mount(text, 17);
	free(text);
	return 0;
}
