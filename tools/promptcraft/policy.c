/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - `promptcraft policy show|check|prove|diff`.
 *
 * promptcraft-policyc does the work, as it does for the supervisor; it takes
 * this process's place, and its exit status is ours.  Here policies are found:
 * by name among those installed, or as a file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/probe.h"

#define PATH_SIZE 4096

/*
 * "strict" is a name; "./strict", "x/strict.policy" and "x.policy" are files.
 */
static bool
is_file_name(const char *text)
{
	return strchr(text, '/') != NULL || strchr(text, '.') != NULL;
}

static int
find_policy(const char *dir, const char *text, char dst[PATH_SIZE],
	    struct err *e)
{
	int rc = is_file_name(text)
			 ? str_copy(dst, PATH_SIZE, text)
			 : str_printf(dst, PATH_SIZE, "%s/profiles/%s.policy",
				      dir, text);

	if (rc < 0)
		return err_set(e, ERR_INVALID, 0, "policy %s: name too long",
			       text);
	if (access(dst, R_OK) < 0)
		return err_sys(e, "policy %s", dst);
	return 0;
}

/* Only returns if it could not be done. */
static int
exec_policyc(const char *command, const char *policyc, const char *dir,
	     char **names, int count, bool is_json, struct err *e)
{
	char paths[2][PATH_SIZE], sets[PATH_SIZE];
	const char *argv[8] = {policyc, command};
	size_t n = 2;

	if (str_printf(sets, sizeof(sets), "%s/sets", dir) < 0)
		return err_set(e, ERR_INVALID, 0, "policy folder: too long");
	for (int i = 0; i < count; i++) {
		if (find_policy(dir, names[i], paths[i], e) < 0)
			return -1;
		argv[n++] = paths[i];
	}
	argv[n++] = "--sets";
	argv[n++] = sets;
	if (is_json)
		argv[n++] = "--json";
	execv(policyc, (char *const *)(uintptr_t)argv);
	return err_sys(e, "run %s", policyc);
}

int
cli_policy(struct cli *cli, const struct cli_command *self, int argc,
	   char **argv)
{
	const char *command = self->name + strlen("policy ");
	const char *dir = NULL;
	const struct cli_option options[] = {
		{"policy-dir", "DIR", "has profiles/ and sets/", CLI_STRING,
		 &dir, 0},
	};
	int count = strcmp(command, "diff") == 0 ? 2 : 1, first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, count, count, &first);
	owned_mem struct report *r = NULL;
	struct probe_places places;
	char policyc[PATH_SIZE];
	struct err e = ERR_INIT;

	if (status >= 0)
		return status;
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		err_sys(&e, "places");
		return cli_fail(&e);
	}
	probe_find_exe(r);
	if (!probe_find_places(r, &places) ||
	    str_printf(policyc, sizeof(policyc), "%s/promptcraft-policyc",
		       places.libexec) < 0) {
		err_set(&e, ERR_IO, 0, "cannot find promptcraft-policyc");
		return cli_fail(&e);
	}
	exec_policyc(command, policyc, dir != NULL ? dir : places.policy,
		     argv + first, count, cli->is_json, &e);
	return cli_fail(&e);
}
