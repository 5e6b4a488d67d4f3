#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64

struct map {
	const char *keys[SLOTS];
	int values[SLOTS];
	int count;
};

static uint32_t hash(const char *key)
{
	uint32_t h = 2166136261u;

	while (*key)
		h = (h ^ (unsigned char)*key++) * 16777619u;
	return h;
}

static int slot_of(const struct map *m, const char *key)
{
	uint32_t at = hash(key) % SLOTS;

	for (int i = 0; i < SLOTS; i++, at = (at + 1) % SLOTS)
		if (m->keys[at] == NULL || strcmp(m->keys[at], key) == 0)
			return (int)at;
	return -1;
}

static int map_set(struct map *m, const char *key, int value)
{
	int at = slot_of(m, key);

	if (at < 0)
		return -1;
	m->count += m->keys[at] == NULL;
	m->keys[at] = key;
	m->values[at] = value;
	return 0;
}

static int *map_get(struct map *m, const char *key)
{
	int at = slot_of(m, key);

	return at >= 0 && m->keys[at] != NULL ? &m->values[at] : NULL;
}

/* Leaves a hole that hides the keys behind it. */
static void map_remove(struct map *m, const char *key)
{
	int at = slot_of(m, key);

	if (at >= 0 && m->keys[at] != NULL) {
		m->keys[at] = NULL;
		m->count--;
	}
}
