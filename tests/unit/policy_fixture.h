/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_fixture.h - a temporary folder with policy files and sets, compiled
 * by the code under test.
 */
#ifndef PC_TESTS_POLICY_FIXTURE_H
#define PC_TESTS_POLICY_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/compile.h"

struct fixture {
	char dir[64];
	char *errors; /* what the compiler wrote */
	size_t errors_len;
	unsigned count; /* of error lines */
	struct draft *draft;
};

static inline void
fixture_write(struct fixture *f, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
		abort();
}

static inline int
fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char sets[96];

	if (f == NULL)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-policy-XXXXXX");
	snprintf(sets, sizeof(sets), "%s/sets",
		 mkdtemp(f->dir) != NULL ? f->dir : "");
	if (mkdir(sets, 0700) < 0)
		abort();
	/* The least that a policy can have. */
	fixture_write(f, "sets/launch",
		      "read # launch\nreadv # sibling\npread64 # sibling\n"
		      "preadv # sibling\npreadv2 # sibling\nwrite # launch\n"
		      "writev # sibling\npwrite64 # sibling\n"
		      "pwritev # sibling\npwritev2 # sibling\n"
		      "close # launch\nexecve # launch\nexecveat # sibling\n"
		      "exit # launch\nexit_group # launch\n");
	*state = f;
	return 0;
}

static inline void
fixture_reset(struct fixture *f)
{
	free(f->errors);
	free(f->draft);
	f->errors = NULL;
	f->draft = NULL;
	f->count = 0;
}

static inline int
fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	int rc;

	fixture_reset(f);
	snprintf(command, sizeof(command), "rm -r -- '%s'", f->dir);
	rc = system(command); /* NOLINT(cert-env33-c): our own folder */
	free(f);
	return rc;
}

/* Compile dir/name; 0 or -1, errors in f->errors. */
static inline int
fixture_compile(struct fixture *f, const char *name)
{
	struct diag diag = {0};
	char path[256], sets[96];
	int rc;

	fixture_reset(f);
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	snprintf(sets, sizeof(sets), "%s/sets", f->dir);
	diag.out = open_memstream(&f->errors, &f->errors_len);
	if (diag.out == NULL)
		abort();
	rc = policy_compile(path, sets, &f->draft, &diag);
	fclose(diag.out);
	f->count = diag.errors;
	return rc;
}

#define FIXTURE_LIMITS                                                         \
	"[Limits]\nRuntimeMaxSec=30s\nMemoryMax=256M\nTasksMax=64\n"           \
	"CPUQuota=100%\nLimitNOFILE=256\nLimitFSIZE=64M\nLimitSTACK=8M\n"      \
	"OutputMax=1M\nCollectMax=4M\n"
#define FIXTURE_REST                                                           \
	"[Network]\nPrivateNetwork=yes\nLoopback=no\n"                         \
	"[Filesystem]\nBindReadOnlyPaths=/usr/bin\n"                           \
	"TemporaryFileSystem=/work:size=1M,nr_inodes=64,mode=0700\n"           \
	"[SystemCalls]\nRestrictAddressFamilies=none\n"                        \
	"MemoryDenyWriteExecute=no\nLandlockMinABI=1\n"                        \
	"SystemCallFilter=@launch\n"
#define FIXTURE_POLICY                                                         \
	"[Policy]\nDescription=test\n" FIXTURE_LIMITS FIXTURE_REST

#endif
