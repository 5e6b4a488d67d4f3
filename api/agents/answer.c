/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c - see answer.h: which block is what.
 *
 * A block's role follows from its file name, else from its language and from
 * what stands in it.  Two blocks that could both be the program, without names
 * that tell them apart, are no answer.
 */
#include "api/agents/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/agents/language.h"
#include "api/jobs/text.h"
#include "api/json.h"
#include "jail/bundle.h"
#include "supervisor/base/str.h"

#define FILES_MAX 16

/* ---- refusals -------------------------------------------------------- */

static bool
declines(const char *text, size_t len)
{
	static const char *const phrases[] = {
		"i'm sorry",	  "i\u2019m sorry",   "i am sorry",
		"i can't",	  "i can\u2019t",     "i cannot",
		"i won't",	  "i won\u2019t",     "i will not",
		"i'm unable",	  "i am unable",      "i'm not able to",
		"i must decline", "i have to decline"};
	char head[256];

	len = len < sizeof(head) - 1 ? len : sizeof(head) - 1;
	memcpy(head, text, len);
	head[len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (strcasestr(head, phrases[i]) != NULL)
			return true;
	return false;
}

static int
no_code(const char *text, size_t len, struct err *e)
{
	if (declines(text, len))
		return err_set(e, ERR_DENIED, 0, "the model declined the goal");
	return err_set(e, ERR_INVALID, 0,
		       "the model's answer holds no code block");
}

/* ---- roles ----------------------------------------------------------- */

struct roles {
	const struct language *language; /* NULL: not known yet */
	struct answer_block *code, *tests;
	struct answer_block *files[FILES_MAX];
	size_t files_len;
};

/* What a block says of itself; NULL: nothing, or a language we do not have. */
static const struct language *
language_of(const struct answer_block *block)
{
	const struct language *l = NULL;

	if (block->path[0] != '\0')
		l = language_by_path(block->path);
	if (l == NULL && block->word[0] != '\0')
		l = language_by_word(block->word, strlen(block->word));
	return l;
}

static bool
is_named_code(const struct answer_block *block)
{
	return block->path[0] != '\0' && language_by_path(block->path) != NULL;
}

/*
 * The language of the answer: that of the first file with a name, else of the
 * first block; shell last, which is more often how to start the program.
 */
static const struct language *
find_language(const struct answer_blocks *blocks)
{
	const struct language *found = NULL;

	for (size_t i = 0; i < blocks->len; i++)
		if (is_named_code(&blocks->at[i]))
			return language_by_path(blocks->at[i].path);
	for (size_t i = 0; i < blocks->len; i++) {
		const struct language *l = language_of(&blocks->at[i]);

		if (l != NULL && strcmp(l->name, "shell") != 0)
			return l;
		found = found != NULL ? found : l;
	}
	return found;
}

static const char *
name_of(const struct answer_block *block)
{
	return block->path[0] != '\0' ? block->path : "(no name)";
}

#define SHOWN_SIZE 64

/* What the model wrote, as one short line. */
static const char *
shown(char dst[SHOWN_SIZE], const char *text)
{
	str_quote(dst, SHOWN_SIZE, text, strlen(text));
	return dst;
}

static int
take_role(struct answer_block **role, struct answer_block *block,
	  const char *what, struct err *e)
{
	char one[SHOWN_SIZE], other[SHOWN_SIZE];

	if (*role != NULL && strcmp((*role)->text, block->text) == 0)
		return 0;
	if (*role != NULL)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer: %s and %s could both be %s",
			       shown(one, name_of(*role)),
			       shown(other, name_of(block)), what);
	*role = block;
	return 0;
}

static int
take_file(struct roles *roles, struct answer_block *block, struct err *e)
{
	for (size_t i = 0; i < roles->files_len; i++) {
		if (strcmp(roles->files[i]->path, block->path) != 0)
			continue;
		return take_role(&roles->files[i], block, "that file", e);
	}
	if (roles->files_len == FILES_MAX)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer has more than %d files",
			       FILES_MAX + 2);
	roles->files[roles->files_len++] = block;
	return 0;
}

/* A file of its own name: tests, the program, or one beside them. */
static int
take_named(struct roles *roles, struct answer_block *block, struct err *e)
{
	char path[SHOWN_SIZE];

	if (bundle_path_check(block->path, strlen(block->path), e) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer: %s is no path that a "
			       "program may have",
			       shown(path, block->path));
	if (language_of(block) != roles->language ||
	    language_is_header_path(block->path))
		return take_file(roles, block, e);
	if (language_is_tests_path(block->path))
		return take_role(&roles->tests, block, "the tests", e);
	if (roles->code != NULL &&
	    strcmp(roles->code->path, block->path) != 0 &&
	    roles->code->path[0] != '\0') {
		/* The one with the name that was asked for is the program. */
		if (strcmp(block->path, roles->language->code_path) != 0)
			return take_file(roles, block, e);
		if (take_file(roles, roles->code, e) < 0)
			return -1;
		roles->code = NULL;
	}
	return take_role(&roles->code, block, "the program", e);
}

static int
take_nameless(struct roles *roles, struct answer_block *block, struct err *e)
{
	const struct language *l = language_of(block);
	bool is_tests;

	if (l != roles->language) {
		/* Unless it says another language, it may be ours. */
		if (block->word[0] != '\0')
			return 0;
	}
	is_tests = language_looks_like_tests(roles->language, block->text);
	if (is_tests)
		return take_role(&roles->tests, block, "the tests", e);
	return take_role(&roles->code, block, "the program", e);
}

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* Names first: with them, blocks without are examples of use and output. */
static int
give_roles(struct roles *roles, struct answer_blocks *blocks, struct err *e)
{
	for (size_t i = 0; i < blocks->len; i++) {
		struct answer_block *block = &blocks->at[i];

		if (block->path[0] != '\0' && !is_blank(block->text) &&
		    take_named(roles, block, e) < 0)
			return -1;
	}
	if (roles->code != NULL)
		return 0;
	for (size_t i = 0; i < blocks->len; i++) {
		struct answer_block *block = &blocks->at[i];

		if (block->path[0] == '\0' && !is_blank(block->text) &&
		    take_nameless(roles, block, e) < 0)
			return -1;
	}
	/* One block with a program and its tests in it. */
	if (roles->code == NULL && roles->tests != NULL &&
	    roles->tests->path[0] == '\0' && blocks->len == 1) {
		roles->code = roles->tests;
		roles->tests = NULL;
	}
	return 0;
}

static int
check_roles(const struct roles *roles, const struct answer_blocks *blocks,
	    struct err *e)
{
	if (roles->code != NULL)
		return 0;
	if (roles->tests != NULL)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer holds tests but no program");
	for (size_t i = 0; i < blocks->len; i++)
		if (blocks->at[i].word[0] != '\0' &&
		    language_of(&blocks->at[i]) != roles->language)
			return err_set(e, ERR_INVALID, 0,
				       "the model's answer is in %s, not in %s",
				       blocks->at[i].word,
				       roles->language->name);
	return err_set(e, ERR_INVALID, 0,
		       "the model's answer holds no program in %s",
		       roles->language->name);
}

static json_t *
files_json(const struct roles *roles)
{
	json_t *files = json_array();

	for (size_t i = 0; i < roles->files_len; i++)
		json_array_append_new(files, json_pack("{s:s, s:s}", "path",
						       roles->files[i]->path,
						       "content",
						       roles->files[i]->text));
	return files;
}

static int
make_program(const struct roles *roles, json_t **ret, struct err *e)
{
	const struct answer_block *code = roles->code, *tests = roles->tests;
	json_t *program = json_pack("{s:s, s:s}", "code", code->text,
				    "language", roles->language->name);

	if (program == NULL)
		return err_set(e, ERR_IO, ENOMEM, "read the model's answer");
	if (code->path[0] != '\0')
		json_object_set_new(program, "code_path",
				    json_string(code->path));
	if (tests != NULL)
		json_object_set_new(program, "tests", json_string(tests->text));
	if (tests != NULL && tests->path[0] != '\0')
		json_object_set_new(program, "tests_path",
				    json_string(tests->path));
	if (roles->files_len > 0)
		json_object_set_new(program, "files", files_json(roles));
	*ret = program;
	return 0;
}

static int
read_blocks(struct answer_blocks *blocks, const char *language, json_t **ret,
	    struct err *e)
{
	struct roles roles = {0};

	roles.language = language[0] != '\0'
				 ? language_by_word(language, strlen(language))
				 : find_language(blocks);
	if (roles.language == NULL && language[0] == '\0' &&
	    blocks->at[0].word[0] == '\0')
		roles.language = language_by_word("python", 6);
	if (roles.language == NULL)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer is in %s, which no runtime "
			       "here runs",
			       language[0] != '\0' ? language
						   : blocks->at[0].word);
	if (give_roles(&roles, blocks, e) < 0 ||
	    check_roles(&roles, blocks, e) < 0)
		return -1;
	return make_program(&roles, ret, e);
}

/* ---- JSON ------------------------------------------------------------ */

static int
bad_member(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, 0, "the model's answer (JSON): %s",
		       what);
}

static int
add_text(struct answer_blocks *blocks, const char *path, const char *word,
	 const json_t *text, struct err *e)
{
	struct answer_block *block = &blocks->at[blocks->len];

	if (!json_is_string(text))
		return bad_member(e, "a file's text is no string");
	if (json_string_length(text) > ANSWER_FILE_MAX)
		return bad_member(e, "a file is too large");
	if (blocks->len == ANSWER_BLOCKS_MAX)
		return bad_member(e, "too many files");
	if (str_copy(block->path, sizeof(block->path), path) < 0 ||
	    str_copy(block->word, sizeof(block->word), word) < 0)
		return bad_member(e, "a name is too long");
	block->text = strdup(json_string_value(text));
	if (block->text == NULL)
		return err_sys(e, "read the model's answer");
	blocks->len++;
	return 0;
}

static int
add_files(const json_t *root, struct answer_blocks *blocks, struct err *e)
{
	const json_t *files = json_object_get(root, "files");

	if (files != NULL && !json_is_array(files))
		return bad_member(e, "files is no array");
	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *file = json_array_get(files, i);
		const char *path = json_text(file, "path");

		if (path[0] == '\0')
			path = json_text(file, "name");
		if (path[0] == '\0')
			return bad_member(e, "a file has no path");
		if (add_text(blocks, path, "", json_object_get(file, "content"),
			     e) < 0)
			return -1;
	}
	return 0;
}

/* {"language", "code", "tests", "files": [{"path", "content"}]} */
static int
add_members(const json_t *root, const struct language *language,
	    struct answer_blocks *blocks, struct err *e)
{
	const json_t *code = json_object_get(root, "code");
	const json_t *tests = json_object_get(root, "tests");
	const char *code_path = json_text(root, "code_path");
	const char *tests_path = json_text(root, "tests_path");

	if (code_path[0] == '\0')
		code_path = language->code_path;
	if (tests_path[0] == '\0')
		tests_path = language->tests_path;
	if (code != NULL &&
	    add_text(blocks, code_path, language->name, code, e) < 0)
		return -1;
	if (tests != NULL && !json_is_null(tests) &&
	    add_text(blocks, tests_path, language->name, tests, e) < 0)
		return -1;
	return add_files(root, blocks, e);
}

static int
read_object(const json_t *root, const char *wanted, json_t **ret, struct err *e)
{
	const char *says = json_text(root, "language");
	const char *word = says[0] != '\0' ? says : wanted;
	const struct language *language =
		language_by_word(word[0] != '\0' ? word : "python",
				 word[0] != '\0' ? strlen(word) : 6);
	struct answer_blocks blocks = {0};
	int rc;

	if (json_text(root, "refusal")[0] != '\0')
		return err_set(e, ERR_DENIED, 0, "the model declined the goal");
	if (json_object_get(root, "code") == NULL &&
	    json_array_size(json_object_get(root, "files")) == 0)
		return bad_member(e, "has neither code nor files");
	if (language == NULL)
		return bad_member(e, "no runtime here runs its language");
	if (wanted[0] != '\0' &&
	    language != language_by_word(wanted, strlen(wanted)))
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer is in %s, not in %s",
			       language->name, wanted);
	rc = add_members(root, language, &blocks, e);
	if (rc == 0)
		rc = read_blocks(&blocks, wanted, ret, e);
	answer_blocks_done(&blocks);
	return rc;
}

/* 1: it is no JSON object. */
static int
try_json(const char *text, size_t len, const char *language, json_t **ret,
	 struct err *e)
{
	json_t *root;
	int rc;

	if (len == 0 || text[0] != '{')
		return 1;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return 1;
	}
	rc = read_object(root, language, ret, e);
	json_decref(root);
	return rc;
}

/* ---- all ------------------------------------------------------------- */

/* Some models think aloud first; that is no part of the answer. */
static int
skip_thoughts(const char **text, size_t *len, struct err *e)
{
	static const char open[] = "<think>", close[] = "</think>";
	const char *end;

	if (*len < sizeof(open) - 1 ||
	    strncmp(*text, open, sizeof(open) - 1) != 0)
		return 0;
	end = memmem(*text, *len, close, sizeof(close) - 1);
	if (end == NULL)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer ends within its thoughts");
	end += sizeof(close) - 1;
	*len -= (size_t)(end - *text);
	*text = end;
	return 0;
}

static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && strchr(" \t\r\n", **text) != NULL) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && strchr(" \t\r\n", (*text)[*len - 1]) != NULL)
		(*len)--;
}

static int
read_text(const char *text, size_t len, const char *language, json_t **ret,
	  struct err *e)
{
	struct answer_blocks blocks;
	int rc = try_json(text, len, language, ret, e);

	if (rc <= 0)
		return rc;
	rc = answer_split(text, len, &blocks, e);
	if (rc == 0 && blocks.len == 0)
		rc = no_code(text, len, e);
	else if (rc == 0 && blocks.len == 1 &&
		 strcasecmp(blocks.at[0].word, "json") == 0 &&
		 blocks.at[0].path[0] == '\0')
		rc = try_json(blocks.at[0].text, strlen(blocks.at[0].text),
			      language, ret, e);
	else
		rc = rc == 0 ? 1 : rc;
	if (rc == 1)
		rc = read_blocks(&blocks, language, ret, e);
	answer_blocks_done(&blocks);
	return rc;
}

int
answer_read(const char *text, size_t len, const char *language, bool is_cut,
	    json_t **ret_program, struct err *e)
{
	if (len > ANSWER_MAX)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer is larger than %u bytes",
			       ANSWER_MAX);
	if (is_cut)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer is cut off by its token "
			       "limit (PROMPTCRAFT_MODEL_MAX_TOKENS)");
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer has a NUL byte");
	if (!text_is_utf8(text, len))
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer is not UTF-8");
	trim(&text, &len);
	if (skip_thoughts(&text, &len, e) < 0)
		return -1;
	trim(&text, &len);
	if (len == 0)
		return err_set(e, ERR_INVALID, 0,
			       "the model's answer is empty");
	return read_text(text, len, language, ret_program, e);
}
