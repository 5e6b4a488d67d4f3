/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - load, check, hash, seal; open mount sources; clone them.
 */
#include "supervisor/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/private.h"
#include "supervisor/base/str.h"
#include "supervisor/policyc.h"

#define POLICIES_SIZE (CATALOG_POLICIES_MAX * sizeof(struct catalog_policy))
#define RUNTIMES_SIZE (CATALOG_RUNTIMES_MAX * sizeof(struct catalog_runtime))
#define INIT_MAX (16u << 20)
#define POLICY_SUFFIX ".policy"

/* ---- names in a directory, sorted ------------------------------------ */

struct names {
	char name[CATALOG_POLICIES_MAX][POLICY_NAME_MAX];
	uint32_t len;
};

_Static_assert(CATALOG_POLICIES_MAX == CATALOG_RUNTIMES_MAX, "one struct");

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Entries that end in suffix (cut off) and do not begin with a dot. */
static int
list_names(int dir, const char *label, const char *suffix, struct names *ret,
	   struct err *e)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	int rc = 0;

	ret->len = 0;
	if (listing == NULL) {
		fd_close(&copy);
		return err_sys(e, "list %s", label);
	}
	while (rc == 0 && (entry = readdir(listing)) != NULL) {
		size_t len = strlen(entry->d_name), tail = strlen(suffix);
		char *name = ret->name[ret->len];

		if (entry->d_name[0] == '.' || len <= tail ||
		    strcmp(entry->d_name + len - tail, suffix) != 0)
			continue;
		if (ret->len == ARRAY_LEN(ret->name) - 1) {
			rc = err_set(e, ERR_LIMIT, 0, "more than %zu in %s",
				     ARRAY_LEN(ret->name) - 1, label);
			break;
		}
		if (str_printf(name, POLICY_NAME_MAX, "%.*s", (int)(len - tail),
			       entry->d_name) < 0 ||
		    !str_is_name(name, POLICY_NAME_MAX - 1)) {
			rc = err_set(e, ERR_INVALID, 0,
				     "%s/%.80s: name must be letters, digits, "
				     "_ and -, at most %d",
				     label, entry->d_name, POLICY_NAME_MAX - 1);
			break;
		}
		ret->len++;
	}
	(void)closedir(listing);
	qsort(ret->name, ret->len, sizeof(ret->name[0]), compare_names);
	return rc;
}

static int
open_dir(int at, const char *path, int *ret_fd, struct err *e)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open directory %s", path);
	*ret_fd = fd;
	return 0;
}

/* A program of ours: regular, and not writable by everybody. */
static int
open_program(int dir, const char *name, int *ret_fd, struct err *e)
{
	owned_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", name);
	if (!S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH) != 0)
		return err_set(e, ERR_DENIED, 0,
			       "%s must be a regular file that not everybody "
			       "may write: chmod o-w",
			       name);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* ---- hashes ---------------------------------------------------------- */

/* SHA-256 of a struct with its own hash field taken as zero. */
static bool
fits_hash(const void *bytes, size_t size, size_t hash_offset)
{
	static const uint8_t zero[POLICY_SHA256_SIZE];
	const uint8_t *p = bytes;
	size_t after = hash_offset + POLICY_SHA256_SIZE;
	uint8_t got[POLICY_SHA256_SIZE];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, p, hash_offset);
	crypto_hash_sha256_update(&state, zero, sizeof(zero));
	crypto_hash_sha256_update(&state, p + after, size - after);
	crypto_hash_sha256_final(&state, got);
	return memcmp(got, p + hash_offset, sizeof(got)) == 0;
}

static int
verify_policy(const struct policy *policy, const char *name, struct err *e)
{
	uint8_t bpf[POLICY_SHA256_SIZE];

	if (policy_check(policy, e) < 0)
		return -1;
	if (strcmp(policy->name, name) != 0)
		return err_set(e, ERR_INVALID, 0, "is named %s inside",
			       policy->name);
	crypto_hash_sha256(bpf, (const unsigned char *)policy->bpf,
			   policy->bpf_len * sizeof(policy->bpf[0]));
	if (memcmp(bpf, policy->bpf_sha256, sizeof(bpf)) != 0 ||
	    !fits_hash(policy, sizeof(*policy),
		       offsetof(struct policy, sha256)))
		return err_set(e, ERR_INVALID, 0, "does not fit its hash");
	return 0;
}

static int
verify_runtime(const struct runtime *runtime, const char *name, struct err *e)
{
	if (runtime_check(runtime, e) < 0)
		return -1;
	if (strcmp(runtime->name, name) != 0)
		return err_set(e, ERR_INVALID, 0, "is named %s inside",
			       runtime->name);
	if (!fits_hash(runtime, sizeof(*runtime),
		       offsetof(struct runtime, sha256)))
		return err_set(e, ERR_INVALID, 0, "does not fit its hash");
	return 0;
}

/* ---- mount sources --------------------------------------------------- */

static int
check_source(const struct policy_mount *m, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", m->source);
	if ((m->flags & POLICY_MOUNT_DEVICE) == 0) {
		if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "%s is neither file nor directory",
				       m->source);
		return 0;
	}
	/* A /dev/null that is something else must not get into a jail. */
	if (!S_ISCHR(st.st_mode) || major(st.st_rdev) != m->dev_major ||
	    minor(st.st_rdev) != m->dev_minor)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s is not character device %u:%u", m->source,
			       m->dev_major, m->dev_minor);
	return 0;
}

/*
 * No link on the way: it could lead to what the policy compiler never lets a
 * policy name, and whoever may replace it would choose what the jail sees.
 */
static int
open_source(const struct policy_mount *m, int *ret_fd, struct err *e)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	owned_fd int fd = -1;

	*ret_fd = -1;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, m->source, &how, sizeof(how));
	if (fd < 0 && errno == ENOENT &&
	    (m->flags & POLICY_MOUNT_OPTIONAL) != 0)
		return 0;
	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the policy binds %s, which is or passes a "
			       "symbolic link: name the real path",
			       m->source);
	if (fd < 0)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "the policy binds %s, which cannot be opened",
			       m->source);
	if (check_source(m, fd, e) < 0)
		return -1;
	*ret_fd = fd_take(&fd);
	return 0;
}

/*
 * ldconfig and package upgrades replace files by renaming: what was opened at
 * start is then unlinked and cannot be mounted.  The name is the operator's,
 * so it is looked up again, with the same checks.
 */
static int
renew_source(struct catalog_policy *p, uint32_t i, bool *ret_is_renewed,
	     struct err *e)
{
	const struct policy_mount *m = &p->policy.mounts[i];
	struct stat st;
	int fd = -1;

	if (p->source[i] < 0 ||
	    (fstat(p->source[i], &st) == 0 && st.st_nlink > 0))
		return 0;
	*ret_is_renewed = true;
	if (open_source(m, &fd, e) < 0)
		return -1;
	log_info("mount_source_renewed policy=%s source=%s", p->policy.name,
		 m->source);
	fd_close(&p->source[i]);
	p->source[i] = fd;
	return 0;
}

int
catalog_renew_sources(struct catalog_policy *policy, bool *ret_is_renewed,
		      struct err *e)
{
	*ret_is_renewed = false;
	for (uint32_t i = 0; i < policy->policy.mounts_len; i++)
		if (renew_source(policy, i, ret_is_renewed, e) < 0)
			return -1;
	return 0;
}

static void
open_sources(struct catalog_policy *p)
{
	for (uint32_t i = 0; i < p->policy.mounts_len; i++) {
		struct err e = ERR_INIT;

		if (open_source(&p->policy.mounts[i], &p->source[i], &e) == 0)
			continue;
		if (p->unusable.kind == ERR_NONE) {
			p->unusable = e;
			err_wrap(&p->unusable, "policy %s", p->policy.name);
		}
		log_warning("policy_unusable policy=%s cause=\"%s\"",
			    p->policy.name, e.text);
	}
}

/* ---- loading --------------------------------------------------------- */

static int
load_policy(struct catalog *catalog, struct policyc_request *request,
	    const char *name, struct err *e)
{
	struct catalog_policy *p = &catalog->policies[catalog->policies_len];
	char path[128];

	p->memfd = -1;
	for (size_t i = 0; i < ARRAY_LEN(p->source); i++)
		p->source[i] = -1;
	for (size_t i = 0; i < ARRAY_LEN(p->tree); i++)
		p->tree[i] = -1;
	if (str_printf(path, sizeof(path), POLICYC_DIR_A "/%s" POLICY_SUFFIX,
		       name) < 0)
		return err_set(e, ERR_LIMIT, 0, "policy name too long");
	request->argv[4] = path;
	catalog->policies_len++; /* catalog_done closes what is open */
	if (policyc_run(request, &p->policy, sizeof(p->policy), e) < 0)
		return -1;
	if (verify_policy(&p->policy, name, e) < 0 ||
	    fd_memfd_sealed("policy", &p->policy, sizeof(p->policy), &p->memfd,
			    e) < 0)
		return err_wrap(e, "policy %s", name);
	open_sources(p);
	return 0;
}

static int
load_policies(struct catalog *catalog, const struct config *config,
	      int compiler, struct err *e)
{
	owned_fd int top = -1, profiles = -1, sets = -1;
	struct policyc_request request = {
		.compiler_fd = compiler,
		.dir_a_name = "profiles",
		.argv = {"promptcraft-policyc", "policy", "--sets",
			 POLICYC_DIR_B},
	};
	struct names names;

	if (open_dir(AT_FDCWD, config->policy_dir, &top, e) < 0 ||
	    open_dir(top, "profiles", &profiles, e) < 0 ||
	    open_dir(top, "sets", &sets, e) < 0 ||
	    list_names(profiles, "profiles", POLICY_SUFFIX, &names, e) < 0)
		return err_wrap(e, "policies in %s", config->policy_dir);
	request.dir_a = profiles;
	request.dir_b = sets;
	for (uint32_t i = 0; i < names.len; i++)
		if (load_policy(catalog, &request, names.name[i], e) < 0)
			return err_wrap(e, "%s", config->policy_dir);
	if (names.len == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no policy in %s/profiles",
			       config->policy_dir);
	return 0;
}

static void
check_requirements(struct catalog_runtime *r)
{
	const struct runtime *runtime = &r->runtime;

	for (uint32_t i = 0; i < runtime->requires_len; i++) {
		if (access(runtime->requires_path[i], F_OK) == 0)
			continue;
		err_set(&r->unusable, ERR_UNSUPPORTED, errno,
			"runtime %s needs %s: install it and restart the "
			"supervisor",
			runtime->name, runtime->requires_path[i]);
		log_warning("runtime_unusable runtime=%s missing=%s",
			    runtime->name, runtime->requires_path[i]);
		return;
	}
}

static int
load_runtime(struct catalog *catalog, struct policyc_request *request, int top,
	     const char *name, struct err *e)
{
	struct catalog_runtime *r = &catalog->runtimes[catalog->runtimes_len];
	char path[128];

	r->memfd = r->dir = -1;
	if (str_printf(path, sizeof(path), POLICYC_DIR_A "/%s", name) < 0)
		return err_set(e, ERR_LIMIT, 0, "runtime name too long");
	request->argv[2] = path;
	r->index = catalog->runtimes_len++;
	if (policyc_run(request, &r->runtime, sizeof(r->runtime), e) < 0)
		return -1;
	if (verify_runtime(&r->runtime, name, e) < 0 ||
	    fd_memfd_sealed("runtime", &r->runtime, sizeof(r->runtime),
			    &r->memfd, e) < 0)
		return err_wrap(e, "runtime %s", name);
	r->dir = openat(top, name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r->dir < 0)
		return err_sys(e, "open runtime %s", name);
	check_requirements(r);
	return 0;
}

static int
load_runtimes(struct catalog *catalog, const struct config *config,
	      int compiler, struct err *e)
{
	owned_fd int top = -1;
	struct policyc_request request = {
		.compiler_fd = compiler,
		.dir_a_name = config->runtime_dir,
		.dir_b = -1,
		.argv = {"promptcraft-policyc", "runtime"},
	};
	struct names names;

	if (open_dir(AT_FDCWD, config->runtime_dir, &top, e) < 0 ||
	    list_names(top, config->runtime_dir, "", &names, e) < 0)
		return err_wrap(e, "runtimes");
	request.dir_a = top;
	for (uint32_t i = 0; i < names.len; i++)
		if (load_runtime(catalog, &request, top, names.name[i], e) < 0)
			return err_wrap(e, "%s", config->runtime_dir);
	return 0;
}

static int
load_init(struct catalog *catalog, int libexec, struct err *e)
{
	owned_mem char *bytes = NULL;
	owned_fd int checked = -1;
	size_t len = 0;

	if (open_program(libexec, "jail-init", &checked, e) < 0 ||
	    fd_read_file(libexec, "jail-init", INIT_MAX, &bytes, &len, e) < 0)
		return -1;
	return fd_memfd_sealed("jail-init", bytes, len, &catalog->init_fd, e);
}

int
catalog_load(struct catalog *catalog, const struct config *config,
	     struct err *e)
{
	owned_fd int libexec = -1, compiler = -1;

	*catalog = (struct catalog){.init_fd = -1};
	catalog->policies = private_alloc(POLICIES_SIZE);
	catalog->runtimes = private_alloc(RUNTIMES_SIZE);
	if (catalog->policies == NULL || catalog->runtimes == NULL)
		return err_sys(e, "make catalog");
	if (open_dir(AT_FDCWD, config->libexec_dir, &libexec, e) < 0 ||
	    load_init(catalog, libexec, e) < 0 ||
	    open_program(libexec, "promptcraft-policyc", &compiler, e) < 0)
		return err_wrap(e, "programs in %s", config->libexec_dir);
	if (load_policies(catalog, config, compiler, e) < 0)
		return -1;
	return load_runtimes(catalog, config, compiler, e);
}

void
catalog_done(struct catalog *catalog)
{
	fd_close(&catalog->init_fd);
	for (uint32_t i = 0; i < catalog->policies_len; i++) {
		fd_close(&catalog->policies[i].memfd);
		for (size_t m = 0; m < POLICY_MOUNTS_MAX; m++)
			fd_close(&catalog->policies[i].source[m]);
		catalog_drop_trees(&catalog->policies[i]);
	}
	for (uint32_t i = 0; i < catalog->runtimes_len; i++) {
		fd_close(&catalog->runtimes[i].memfd);
		fd_close(&catalog->runtimes[i].dir);
	}
	private_free(catalog->policies, POLICIES_SIZE);
	private_free(catalog->runtimes, RUNTIMES_SIZE);
	catalog->policies = NULL;
	catalog->runtimes = NULL;
	catalog->policies_len = catalog->runtimes_len = 0;
}

struct catalog_policy *
catalog_policy(const struct catalog *catalog, const char *name)
{
	for (uint32_t i = 0; i < catalog->policies_len; i++)
		if (strcmp(catalog->policies[i].policy.name, name) == 0)
			return &catalog->policies[i];
	return NULL;
}

const struct catalog_runtime *
catalog_runtime(const struct catalog *catalog, const char *name)
{
	for (uint32_t i = 0; i < catalog->runtimes_len; i++)
		if (strcmp(catalog->runtimes[i].runtime.name, name) == 0)
			return &catalog->runtimes[i];
	return NULL;
}

bool
catalog_may_run(const struct catalog *catalog, const struct policy *policy,
		const struct runtime *runtime)
{
	if (runtime->policy[0] != '\0')
		return strcmp(runtime->policy, policy->name) == 0;
	for (uint32_t i = 0; i < catalog->runtimes_len; i++)
		if (strcmp(catalog->runtimes[i].runtime.policy, policy->name) ==
		    0)
			return false;
	return true;
}
