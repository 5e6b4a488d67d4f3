/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap.c - makes the first admin, so that there is no default account.
 *
 * The password is told before the account exists: a crash in between leaves a
 * password that opens nothing, and the next start makes another one.
 */
#include "api/auth/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/auth/password.h"
#include "api/jobs/request.h"
#include "api/store/store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define ADMIN_NAME "admin"

static int
note_user(void *arg, const struct store_user *user)
{
	(void)user;
	*(bool *)arg = true;
	return 1;
}

/* The file is ours alone, or it is refused: it may lie in a shared folder. */
static int
write_password(const char *path, const char *password, struct err *e)
{
	owned_fd int fd = open(
		path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "PROMPTCRAFT_ADMIN_PASSWORD_FILE: open %s",
			       path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
		return err_set(e, ERR_DENIED, 0,
			       "PROMPTCRAFT_ADMIN_PASSWORD_FILE: %s is not a "
			       "plain file of the API's user",
			       path);
	if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0 ||
	    fd_write_all(fd, password, strlen(password)) < 0 ||
	    fd_write_all(fd, "\n", 1) < 0 || fsync(fd) < 0)
		return err_sys(e, "PROMPTCRAFT_ADMIN_PASSWORD_FILE: write %s",
			       path);
	return 0;
}

static int
tell_password(const struct api_config *config, const char *password,
	      struct err *e)
{
	if (config->admin_password_file[0] != '\0')
		return write_password(config->admin_password_file, password, e);
	if (fprintf(stderr,
		    "promptcraft-api: first start: the account is %s, its "
		    "password %s\n"
		    "promptcraft-api: this is shown only now; change it with "
		    "`promptcraft user passwd %s`\n",
		    ADMIN_NAME, password, ADMIN_NAME) < 0)
		return err_sys(e, "print the admin's password");
	return 0;
}

static int
add_admin(struct api *api, const char *password, struct err *e)
{
	struct store_user user = {
		.role = USER_ROLE_ADMIN,
		.token_version = 1,
		.created_us = clock_wall_us(),
	};

	_Static_assert(sizeof(user.user_id) == PROTO_ID_MAX, "ids are alike");
	if (password_hash(password, user.password_hash, e) < 0 ||
	    tell_password(&api->config, password, e) < 0)
		return -1;
	job_id_new(user.user_id);
	(void)str_copy(user.username, sizeof(user.username), ADMIN_NAME);
	if (store_user_add(api->store, &user, e) < 0) {
		if (e->kind != ERR_CONFLICT)
			return -1;
		/* Two nodes started at the same moment. */
		log_warning("first_admin text=\"another node has made it: the "
			    "password it has shown is right, not this one's\"");
		return 0;
	}
	log_info("first_admin username=%s", ADMIN_NAME);
	return 0;
}

int
bootstrap_admin(struct api *api, struct err *e)
{
	char password[PASSWORD_GENERATED_SIZE];
	bool has_users = false;
	int rc;

	if (store_user_list(api->store, note_user, &has_users, e) < 0)
		return err_wrap(e, "look for users");
	if (has_users)
		return 0;
	if (password_generate(password, e) < 0)
		return err_wrap(e, "make the first account");
	rc = add_admin(api, password, e);
	sodium_memzero(password, sizeof(password));
	return rc < 0 ? err_wrap(e, "make the first account") : 0;
}
