/* A growing array of ints. */
#include "solution.h"

#include <stdlib.h>
#include <string.h>

void vector_init(struct vector *v)
{
	v->items = NULL;
	v->len = v->cap = 0;
}

void vector_done(struct vector *v)
{
	free(v->items);
	vector_init(v);
}

static int grow(struct vector *v, size_t cap)
{
	int *items = realloc(v->items, cap * sizeof(*items));

	if (items == NULL)
		return -1;
	v->items = items;
	v->cap = cap;
	return 0;
}

int vector_push(struct vector *v, int item)
{
	if (v->len == v->cap && grow(v, v->cap ? 2 * v->cap : 4) < 0)
		return -1;
	v->items[v->len++] = item;
	return 0;
}

int vector_insert(struct vector *v, size_t at, int item)
{
	if (at > v->len || vector_push(v, item) < 0)
		return -1;
	memmove(v->items + at + 1, v->items + at,
		(v->len - 1 - at) * sizeof(*v->items));
	v->items[at] = item;
	return 0;
}

int vector_remove(struct vector *v, size_t at)
{
	if (at >= v->len)
		return -1;
	memmove(v->items + at, v->items + at + 1,
		(v->len - 1 - at) * sizeof(*v->items));
	v->len--;
	return 0;
}

void vector_map(struct vector *v, int (*f)(int))
{
	for (size_t i = 0; i < v->len; i++)
		v->items[i] = f(v->items[i]);
}

long vector_sum(const struct vector *v)
{
	long sum = 0;

	for (size_t i = 0; i < v->len; i++)
		sum += v->items[i];
	return sum;
}
