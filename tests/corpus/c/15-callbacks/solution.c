#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef int (*int_fn)(int);

struct person {
	const char *name;
	int age;
};

int compose(int x, int count, ...)
{
	va_list functions;

	va_start(functions, count);
	while (count-- > 0)
		x = va_arg(functions, int_fn)(x);
	va_end(functions);
	return x;
}

static int by_age(const void *a, const void *b)
{
	const struct person *x = a, *y = b;

	return (x->age > y->age) - (x->age < y->age);
}

void sort_people(struct person *people, size_t n)
{
	qsort(people, n, sizeof(*people), by_age);
}

struct person *find_age(struct person *people, size_t n, int age)
{
	struct person key = {.age = age};

	return bsearch(&key, people, n, sizeof(*people), by_age);
}

size_t filter(int *items, size_t n, int_fn keep)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (keep(items[i]))
			items[kept++] = items[i];
	return kept;
}

int fold(const int *items, size_t n, int start, int (*f)(int, int))
{
	for (size_t i = 0; i < n; i++)
		start = f(start, items[i]);
	return start;
}
