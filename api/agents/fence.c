/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence.c - the fenced blocks of a Markdown text, with the language and the
 * file name that stand after the fence, on the line before it, or in a comment
 * that is the first line of the block.
 *
 * A block ends at a line with nothing but a fence of the same character that is
 * at least as long; so a longer fence may hold a shorter one.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/agents/answer.h"
#include "api/agents/language.h"
#include "supervisor/base/str.h"

struct line {
	const char *at;
	size_t len; /* without its end */
};

struct scanner {
	const char *at, *end;
};

static bool
next_line(struct scanner *s, struct line *ret)
{
	const char *newline;

	if (s->at >= s->end)
		return false;
	newline = memchr(s->at, '\n', (size_t)(s->end - s->at));
	ret->at = s->at;
	ret->len = (size_t)((newline != NULL ? newline : s->end) - s->at);
	s->at = newline != NULL ? newline + 1 : s->end;
	if (ret->len > 0 && ret->at[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static size_t
blanks(const struct line *line)
{
	size_t n = 0;

	while (n < line->len && (line->at[n] == ' ' || line->at[n] == '\t'))
		n++;
	return n;
}

struct fence {
	char mark;
	size_t len, indent;
	struct line info; /* what follows it */
};

static bool
is_fence(const struct line *line, struct fence *ret)
{
	size_t from = blanks(line), n = from;

	if (n == line->len || (line->at[n] != '`' && line->at[n] != '~'))
		return false;
	while (n < line->len && line->at[n] == line->at[from])
		n++;
	if (n - from < 3)
		return false;
	ret->mark = line->at[from];
	ret->len = n - from;
	ret->indent = from;
	ret->info = (struct line){line->at + n, line->len - n};
	/* ```code``` within a sentence is none. */
	return ret->mark != '`' ||
	       memchr(ret->info.at, '`', ret->info.len) == NULL;
}

static bool
closes(const struct line *line, const struct fence *open)
{
	struct fence f;

	return is_fence(line, &f) && f.mark == open->mark &&
	       f.len >= open->len && blanks(&f.info) == f.info.len;
}

/* ---- names ----------------------------------------------------------- */

static bool
is_path_char(char c)
{
	return isalnum((unsigned char)c) || strchr("._-/", c) != NULL;
}

/* The first word that is a file name: has a dot with letters after it. */
static bool
find_path(const char *text, size_t len, char ret[ANSWER_PATH_MAX])
{
	for (size_t i = 0; i < len;) {
		size_t n = i, dot = 0;

		while (n < len && is_path_char(text[n]))
			n++;
		for (size_t k = i + 1; k + 1 < n; k++)
			if (text[k] == '.' &&
			    isalpha((unsigned char)text[k + 1]))
				dot = k;
		if (dot > 0 && n - i < ANSWER_PATH_MAX) {
			memcpy(ret, text + i, n - i);
			ret[n - i] = '\0';
			return true;
		}
		i = n > i ? n : i + 1;
	}
	return false;
}

/* "python", "python solution.py", "py:solution.py", "{.python}" */
static void
read_info(const struct line *info, struct answer_block *block)
{
	size_t from = blanks(info), n;

	while (from < info->len && strchr("{.", info->at[from]) != NULL)
		from++;
	n = from;
	while (n < info->len && (isalnum((unsigned char)info->at[n]) ||
				 strchr("+#_-", info->at[n]) != NULL))
		n++;
	if (find_path(info->at + from, info->len - from, block->path) &&
	    strncmp(block->path, info->at + from, strlen(block->path)) == 0)
		return; /* a name alone */
	if (n - from >= sizeof(block->word))
		n = from + sizeof(block->word) - 1;
	memcpy(block->word, info->at + from, n - from);
	block->word[n - from] = '\0';
}

/*
 * "### solution.py", "**solution.py**", "File: `solution.py`": a name with
 * hardly anything else on the line before the fence.
 */
static void
read_title(const struct line *line, struct answer_block *block)
{
	char path[ANSWER_PATH_MAX];

	if (block->path[0] != '\0' || line->len > ANSWER_PATH_MAX ||
	    !find_path(line->at, line->len, path) ||
	    line->len > strlen(path) + 24)
		return;
	/*
	 * A name that is no file of a language may be any word of a sentence.
	 */
	if (language_by_path(path) != NULL)
		(void)str_copy(block->path, sizeof(block->path), path);
}

/* "# solution.py", "// file: test_solution.js", "; x": the whole line. */
static void
read_first_line(struct answer_block *block)
{
	const char *text = block->text;
	size_t from = strspn(text, "#/*;- \t"), len = strcspn(text, "\r\n");
	char path[ANSWER_PATH_MAX];

	if (block->path[0] != '\0' || from == 0 || from >= len ||
	    strncmp(text, "#!", 2) == 0 ||
	    !find_path(text + from, len - from, path) ||
	    language_by_path(path) == NULL || len - from > strlen(path) + 12)
		return;
	(void)str_copy(block->path, sizeof(block->path), path);
}

/* ---- blocks ---------------------------------------------------------- */

/* Its lines up to the end, without the indentation of the fence. */
static int
read_block(struct scanner *s, const struct fence *open,
	   struct answer_block *block, struct err *e)
{
	size_t len = 0, room = (size_t)(s->end - s->at) + 2;
	struct line line;

	block->text = malloc(room);
	if (block->text == NULL)
		return err_sys(e, "read the model's answer");
	while (next_line(s, &line)) {
		size_t skip = blanks(&line);

		if (closes(&line, open)) {
			block->text[len] = '\0';
			if (len > ANSWER_FILE_MAX)
				return err_set(e, ERR_INVALID, 0,
					       "the model's answer: a file is "
					       "larger than %u bytes",
					       ANSWER_FILE_MAX);
			return 0;
		}
		skip = skip < open->indent ? skip : open->indent;
		memcpy(block->text + len, line.at + skip, line.len - skip);
		len += line.len - skip;
		block->text[len++] = '\n';
	}
	return err_set(e, ERR_INVALID, 0,
		       "the model's answer is cut off inside a code block");
}

int
answer_split(const char *text, size_t len, struct answer_blocks *ret,
	     struct err *e)
{
	struct scanner s = {text, text + len};
	struct line line, before = {text, 0};
	struct fence fence;

	*ret = (struct answer_blocks){0};
	while (next_line(&s, &line)) {
		struct answer_block *block = &ret->at[ret->len];

		if (!is_fence(&line, &fence)) {
			if (blanks(&line) < line.len)
				before = line;
			continue;
		}
		if (ret->len == ANSWER_BLOCKS_MAX)
			return err_set(e, ERR_INVALID, 0,
				       "the model's answer has more than %d "
				       "code blocks",
				       ANSWER_BLOCKS_MAX);
		ret->len++;
		read_info(&fence.info, block);
		read_title(&before, block);
		if (read_block(&s, &fence, block, e) < 0)
			return -1;
		read_first_line(block);
		before = (struct line){text, 0};
	}
	return 0;
}

void
answer_blocks_done(struct answer_blocks *blocks)
{
	for (size_t i = 0; i < blocks->len; i++)
		free(blocks->at[i].text);
	blocks->len = 0;
}
