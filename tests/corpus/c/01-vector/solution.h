#ifndef SOLUTION_H
#define SOLUTION_H
#include <stddef.h>

struct vector {
	int *items;
	size_t len, cap;
};

void vector_init(struct vector *v);
void vector_done(struct vector *v);
int vector_push(struct vector *v, int item);
int vector_insert(struct vector *v, size_t at, int item);
int vector_remove(struct vector *v, size_t at);
void vector_map(struct vector *v, int (*f)(int));
long vector_sum(const struct vector *v);
#endif
