/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - `promptcraft user`: accounts, for the admin of the machine.
 *
 * Works on the store itself (the state directory, or the Redis that
 * PROMPTCRAFT_STORE and REDIS_... name), so whoever may write there may do
 * this; there is no remote account management.  Started as root it first
 * becomes the owner of the directory, so that no file in it ends up with an
 * owner that the API cannot use.
 */
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/auth/password.h"
#include "api/config.h"
#include "api/jobs/request.h"
#include "api/store/store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/cli.h"

static const char *const role_names[] = {
	[USER_ROLE_USER] = "user",
	[USER_ROLE_APPROVER] = "approver",
	[USER_ROLE_ADMIN] = "admin",
};

static int
role_parse(const char *name, enum user_role *ret_role, struct err *e)
{
	for (size_t i = USER_ROLE_USER; i < ARRAY_LEN(role_names); i++) {
		if (strcmp(role_names[i], name) == 0) {
			*ret_role = (enum user_role)i;
			return 0;
		}
	}
	return err_set(e, ERR_INVALID, 0,
		       "--role %s: it is user, approver or admin", name);
}

static int
become_owner(const char *dir, struct err *e)
{
	struct stat st;
	if (stat(dir, &st) == -1)
		return err_sys(e, "state directory %s", dir);
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) == -1 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == -1)
		return err_sys(e, "become user %u, the owner of %s", st.st_uid,
			       dir);
	return 0;
}

static int
open_store(const struct cli *cli, struct store **ret, struct err *e)
{
	struct store_options options;

	if (config_load_store(&options, e) == -1)
		return -1;
	if (strcmp(options.backend, "sqlite") == 0 &&
	    become_owner(cli->state_dir, e) == -1)
		return -1;
	return store_open(&options, cli->state_dir, ret, e);
}

static void
close_store(struct store **s)
{
	if (*s != NULL)
		store_close(*s);
}
#define owned_store __attribute__((cleanup(close_store)))

struct new_password {
	char text[CLI_PASSWORD_MAX];
	char hash[PASSWORD_HASH_SIZE];
	bool is_generated;
};

static int
take_password(const char *file, struct new_password *ret, struct err *e)
{
	_Static_assert(CLI_PASSWORD_MAX >= PASSWORD_GENERATED_SIZE, "fits");
	ret->is_generated = file == NULL;
	if (file == NULL) {
		if (password_generate(ret->text, e) == -1)
			return -1;
	} else if (cli_read_password(file, false, ret->text, e) == -1 ||
		   password_check(ret->text, e) == -1) {
		return -1;
	}
	return password_hash(ret->text, ret->hash, e);
}

static void
print_account(const struct cli *cli, const char *username, const char *what,
	      const struct new_password *password)
{
	const char *shown = password->is_generated ? password->text : NULL;
	if (cli->is_json)
		cli_print_json(json_pack("{s:s, s:s?}", "username", username,
					 "password", shown));
	else if (shown != NULL)
		printf("%s %s, password (shown only now): %s\n", username, what,
		       shown);
	else
		printf("%s %s\n", username, what);
}

static int
add_user(struct cli *cli, const char *username, const char *role,
	 const struct new_password *password, struct err *e)
{
	struct store_user user = {.created_us = clock_wall_us()};
	if (username_check(username, e) == -1 ||
	    role_parse(role, &user.role, e) == -1)
		return -1;
	_Static_assert(sizeof(user.user_id) == PROTO_ID_MAX, "ids are alike");
	job_id_new(user.user_id);
	if (str_copy(user.username, sizeof(user.username), username) == -1 ||
	    str_copy(user.password_hash, sizeof(user.password_hash),
		     password->hash) == -1)
		return err_set(e, ERR_INVALID, 0, "the name is too long");
	owned_store struct store *s = NULL;
	if (open_store(cli, &s, e) == -1)
		return -1;
	if (store_user_add(s, &user, e) == -1)
		return err_wrap(e, "add user %s", username);
	return 0;
}

int
cli_user_add(struct cli *cli, const struct cli_command *self, int argc,
	     char **argv)
{
	const char *role = "user", *file = NULL;
	const struct cli_option options[] = {
		{"role", "ROLE", "user (default), approver or admin",
		 CLI_STRING, &role, 0},
		{"password-file", "FILE", "its first line; - for stdin",
		 CLI_STRING, &file, 0},
	};
	int first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, 1, 1, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	struct new_password password = {0};
	status = CLI_OK;
	if (take_password(file, &password, &e) == -1 ||
	    add_user(cli, argv[first], role, &password, &e) == -1)
		status = cli_fail(&e);
	else
		print_account(cli, argv[first], "added", &password);
	explicit_bzero(&password, sizeof(password));
	return status;
}

static int
change_password(struct cli *cli, const char *username,
		const struct new_password *password, struct err *e)
{
	owned_store struct store *s = NULL;
	if (open_store(cli, &s, e) == -1)
		return -1;
	if (store_user_set_password(s, username, password->hash, e) == -1)
		return err_wrap(e, "user %s", username);
	return 0;
}

int
cli_user_passwd(struct cli *cli, const struct cli_command *self, int argc,
		char **argv)
{
	const char *file = NULL;
	const struct cli_option options[] = {
		{"password-file", "FILE", "its first line; - for stdin",
		 CLI_STRING, &file, 0},
	};
	int first;
	int status = cli_parse(cli, self, options, ARRAY_LEN(options), argc,
			       argv, 1, 1, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	struct new_password password = {0};
	status = CLI_OK;
	if (take_password(file, &password, &e) == -1 ||
	    change_password(cli, argv[first], &password, &e) == -1)
		status = cli_fail(&e);
	else
		print_account(cli, argv[first], "has a new password",
			      &password);
	explicit_bzero(&password, sizeof(password));
	return status;
}

static const char *
role_name(enum user_role role)
{
	return (size_t)role < ARRAY_LEN(role_names) && role_names[role] != NULL
		       ? role_names[role]
		       : "unknown";
}

struct listing {
	const struct cli *cli;
	json_t *users;
};

static int
list_one(void *arg, const struct store_user *user)
{
	struct listing *l = arg;
	char created[CLOCK_ISO_SIZE];
	clock_iso8601(user->created_us, created);
	if (l->cli->is_json)
		return json_array_append_new(
			l->users,
			json_pack("{s:s, s:s, s:s, s:b, s:s}", "user_id",
				  user->user_id, "username", user->username,
				  "role", role_name(user->role), "disabled",
				  (int)user->is_disabled, "created_at",
				  created));
	printf("%-24s %-9s %-9s %.19sZ  %s\n", user->username,
	       role_name(user->role), user->is_disabled ? "disabled" : "",
	       created, user->user_id);
	return 0;
}

int
cli_user_list(struct cli *cli, const struct cli_command *self, int argc,
	      char **argv)
{
	int first;
	int status = cli_parse(cli, self, NULL, 0, argc, argv, 0, 0, &first);
	if (status >= 0)
		return status;
	struct err e = ERR_INIT;
	owned_store struct store *s = NULL;
	if (open_store(cli, &s, &e) == -1)
		return cli_fail(&e);
	struct listing l = {.cli = cli, .users = json_array()};
	if (store_user_list(s, list_one, &l, &e) == -1) {
		json_decref(l.users);
		return cli_fail(&e);
	}
	if (cli->is_json)
		cli_print_json(json_pack("{s:o}", "users", l.users));
	else
		json_decref(l.users);
	return CLI_OK;
}
