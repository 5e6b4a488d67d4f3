/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading.h - what the words of a request say, by rules: what kind of work it
 * is, in which fields, and the parts of it that bind (limits, quoted names,
 * examples, readers, form).
 */
#ifndef PC_API_ENHANCE_READING_H
#define PC_API_ENHANCE_READING_H

#include <stdbool.h>
#include <stddef.h>

#define READING_LIST_MAX 8
#define READING_TEXT_SIZE 240
#define READING_FIELDS_MAX 3
#define WORK_LIST_MAX 6
#define WORDS_MAX 24

/* A kind of work, as its verbs tell it. */
struct work {
	const char *name;
	const char *words[WORDS_MAX];
	const char *nouns[WORDS_MAX]; /* one of these too, if there are any */
	const char *order;	      /* "Write" ...; then the subject */
	const char *steps[WORK_LIST_MAX];
	const char *examples[3]; /* what the answer must contain */
	const char *form;
	const char *checks[WORK_LIST_MAX];
};

/* A field of knowledge, as its nouns tell it. */
struct field_of_work {
	const char *name;
	const char *words[WORDS_MAX];
	const char *role; /* "a ..." */
	const char *use[WORK_LIST_MAX];
	const char *checks[3];
	/* {a word that would say it, what is not said otherwise} */
	const char *missing[3][2];
};

struct reading_list {
	char text[READING_LIST_MAX][READING_TEXT_SIZE];
	size_t len;
};

struct reading {
	const struct work *work;
	const struct field_of_work *fields[READING_FIELDS_MAX];
	size_t fields_len;
	char subject[READING_TEXT_SIZE]; /* what it is about, in its words */
	char audience[READING_TEXT_SIZE];
	char form[READING_TEXT_SIZE]; /* "JSON", "a table"; "" not said */
	struct reading_list limits;   /* "without pandas", "at most 2 MB" */
	struct reading_list quoted;   /* what stands in quotes */
	struct reading_list examples; /* what follows "for example" */
	struct reading_list asked;    /* each sentence that asks something */
	bool has_numbers;
};

/*
 * tables.c; each ends with one without a name, the last of works fits always.
 */
extern const struct work works[];
extern const struct field_of_work fields_of_work[];

void reading_read(const char *query, struct reading *ret);

/* Where a word, or words, stand as such in a text, in any case; or NULL. */
const char *reading_find(const char *text, const char *words);

#endif
