/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_mounts.c - what the host lends to a jail: a copy of one tree for each
 * policy and runtime, built at the start (jail/root.h).
 *
 * A kernel that cannot attach mounts to such a tree (before Linux 6.15) gets
 * the single mounts, for each jail anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/root.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/catalog.h"

void
lent_init(struct lent *lent)
{
	lent->tree = lent->harness = -1;
	for (size_t i = 0; i < POLICY_MOUNTS_MAX; i++)
		lent->mounts[i] = -1;
}

void
lent_done(struct lent *lent)
{
	fd_close(&lent->tree);
	fd_close(&lent->harness);
	for (size_t i = 0; i < POLICY_MOUNTS_MAX; i++)
		fd_close(&lent->mounts[i]);
}

static int
clone_mount(int source, uint64_t attributes, int *ret_fd, struct err *e)
{
	struct mount_attr attr = {
		.attr_set = attributes | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
		.propagation = MS_PRIVATE,
	};
	owned_fd int fd =
		open_tree(source, "",
			  AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "clone mount");
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_sys(e, "make mount read-only");
	*ret_fd = fd_take(&fd);
	return 0;
}

static int
make_mounts(const struct catalog_policy *policy,
	    const struct catalog_runtime *runtime, struct lent *ret,
	    struct err *e)
{
	for (uint32_t i = 0; i < policy->policy.mounts_len; i++) {
		const struct policy_mount *m = &policy->policy.mounts[i];
		uint64_t attributes = 0;

		if (policy->source[i] < 0)
			continue;
		if ((m->flags & POLICY_MOUNT_DEVICE) == 0)
			attributes |= MOUNT_ATTR_NODEV;
		if ((m->flags & (POLICY_MOUNT_NOEXEC | POLICY_MOUNT_DEVICE)) !=
		    0)
			attributes |= MOUNT_ATTR_NOEXEC;
		if (clone_mount(policy->source[i], attributes, &ret->mounts[i],
				e) < 0)
			return err_wrap(e, "%s", m->source);
	}
	if (clone_mount(runtime->dir, MOUNT_ATTR_NODEV, &ret->harness, e) < 0)
		return err_wrap(e, "runtime %s", runtime->runtime.name);
	return 0;
}

/* ---- trees ----------------------------------------------------------- */

void
catalog_drop_trees(struct catalog_policy *policy)
{
	for (size_t i = 0; i < CATALOG_RUNTIMES_MAX; i++)
		fd_close(&policy->tree[i]);
}

static int
fill_tree(int root, const struct catalog_policy *policy,
	  const struct catalog_runtime *runtime, struct err *e)
{
	struct root_sources sources = {.policy = &policy->policy};
	struct lent lent;
	int rc;

	lent_init(&lent);
	rc = make_mounts(policy, runtime, &lent, e);
	sources.mounts = lent.mounts;
	sources.harness = lent.harness;
	if (rc == 0)
		rc = root_fill(root, &sources, e);
	lent_done(&lent);
	return rc;
}

/* Modes are the tree's own: it is nobody else's. */
static int
make_tree(const struct catalog_policy *policy,
	  const struct catalog_runtime *runtime, int *ret_fd, struct err *e)
{
	owned_fd int root = -1;
	mode_t mask = umask(022);
	int rc = root_make(&root, e);

	if (rc == 0)
		rc = fill_tree(root, policy, runtime, e);
	(void)umask(mask);
	if (rc == 0)
		*ret_fd = fd_take(&root);
	return rc;
}

/* 0 without a tree: this kernel cannot. */
static int
have_tree(struct catalog_policy *policy, const struct catalog_runtime *runtime,
	  struct err *e)
{
	static bool is_impossible;
	int *tree = &policy->tree[runtime->index];

	if (is_impossible || *tree >= 0 ||
	    make_tree(policy, runtime, tree, e) == 0)
		return 0;
	if (e->errnum != EINVAL)
		return -1;
	is_impossible = true;
	log_info("root_trees_not_kept cause=\"%s\"", e->text);
	return 0;
}

void
catalog_make_trees(struct catalog *catalog)
{
	for (uint32_t p = 0; p < catalog->policies_len; p++)
		for (uint32_t r = 0; r < catalog->runtimes_len; r++) {
			struct catalog_policy *policy = &catalog->policies[p];
			struct err ignored = ERR_INIT;

			/* A job tries again, and says why not. */
			if (policy->unusable.kind == ERR_NONE &&
			    catalog_may_run(catalog, &policy->policy,
					    &catalog->runtimes[r].runtime))
				(void)have_tree(policy, &catalog->runtimes[r],
						&ignored);
		}
}

int
catalog_look_again(struct catalog_policy *policy,
		   const struct catalog_runtime *runtime, struct err *e)
{
	bool is_renewed;
	struct stat st;

	if (catalog_renew_sources(policy, &is_renewed, e) < 0)
		return -1;
	if (is_renewed) {
		catalog_drop_trees(policy);
		policy->renewals++;
	}
	if (fstat(runtime->dir, &st) < 0 || st.st_nlink == 0)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"runtime %s was replaced or removed: restart the "
			"supervisor",
			runtime->runtime.name);
	return 0;
}

int
catalog_lend(struct catalog_policy *policy,
	     const struct catalog_runtime *runtime, struct lent *ret,
	     struct err *e)
{
	int tree;

	if (catalog_look_again(policy, runtime, e) < 0 ||
	    have_tree(policy, runtime, e) < 0)
		return -1;
	tree = policy->tree[runtime->index];
	if (tree < 0)
		return make_mounts(policy, runtime, ret, e);
	ret->tree = open_tree(tree, "",
			      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
				      OPEN_TREE_CLOEXEC);
	return ret->tree < 0 ? err_sys(e, "copy root") : 0;
}
