/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_answer.c - what a model answers, and the program that is cut out of it.
 *
 * Input: which language is wanted and whether the answer was cut off, then the
 * answer.  A program has code that is not blank, in a language that was wanted,
 * under paths that stay within the job's folder; an answer that was cut off has
 * none; each refusal is one line that says why.
 */
#include "api/agents/answer.h"
#include "api/agents/language.h"
#include "api/jobs/text.h"
#include "jail/bundle.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

static const char *const wanted[] = {"",  "python", "javascript",
				     "c", "shell",  "cobol"};

static void
check_path(const json_t *path)
{
	struct err e;

	if (path == NULL)
		return;
	FUZZ_CHECK(json_is_string(path));
	FUZZ_CHECK(bundle_path_check(json_string_value(path),
				     json_string_length(path), &e) == 0);
}

static void
check_text(const json_t *text)
{
	FUZZ_CHECK(json_is_string(text));
	FUZZ_CHECK(json_string_length(text) <= ANSWER_FILE_MAX);
	FUZZ_CHECK(text_is_utf8(json_string_value(text),
				json_string_length(text)));
}

static void
check_program(const json_t *program, const char *language)
{
	const json_t *files = json_object_get(program, "files");
	const char *is =
		json_string_value(json_object_get(program, "language"));
	const char *code = json_string_value(json_object_get(program, "code"));

	check_text(json_object_get(program, "code"));
	FUZZ_CHECK(code[strspn(code, " \t\r\n")] != '\0');
	if (json_object_get(program, "tests") != NULL)
		check_text(json_object_get(program, "tests"));
	FUZZ_CHECK(is != NULL && language_by_word(is, strlen(is)) != NULL);
	FUZZ_CHECK(language[0] == '\0' || strcmp(language, is) == 0);
	check_path(json_object_get(program, "code_path"));
	check_path(json_object_get(program, "tests_path"));
	FUZZ_CHECK(json_array_size(files) <= ANSWER_BLOCKS_MAX);
	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *file = json_array_get(files, i);

		check_path(json_object_get(file, "path"));
		FUZZ_CHECK(json_object_get(file, "path") != NULL);
		check_text(json_object_get(file, "content"));
	}
}

static void
check_error(const struct err *e)
{
	FUZZ_CHECK(e->kind == ERR_INVALID || e->kind == ERR_DENIED);
	FUZZ_CHECK(strncmp(e->text, "the model", 9) == 0);
	FUZZ_CHECK(strchr(e->text, '\n') == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	const char *language = wanted[fuzz_u8(&in) % ARRAY_LEN(wanted)];
	bool is_cut = fuzz_u8(&in) % 8 == 7;
	struct err e = ERR_INIT;
	json_t *program = NULL;

	if (in.left > 1u << 18)
		return -1;
	if (answer_read((const char *)in.at, in.left, language, is_cut,
			&program, &e) < 0) {
		check_error(&e);
		FUZZ_CHECK(program == NULL);
		return 0;
	}
	FUZZ_CHECK(!is_cut);
	check_program(program, language);
	json_decref(program);
	return 0;
}
