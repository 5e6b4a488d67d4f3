#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "solution.c"

static int increment(int x) { return x + 1; }
static int square(int x) { return x * x; }
static int is_odd(int x) { return x & 1; }
static int add(int a, int b) { return a + b; }

int main(void)
{
	struct person people[] = {{"zoe", 31}, {"bob", 25}, {"ann", 47}};
	int items[] = {1, 2, 3, 4, 5, 6, 7};
	size_t n;

	assert(compose(3, 2, increment, square) == 16);
	assert(compose(3, 2, square, increment) == 10);
	sort_people(people, 3);
	assert(strcmp(people[0].name, "bob") == 0);
	assert(strcmp(find_age(people, 3, 47)->name, "ann") == 0);
	assert(find_age(people, 3, 48) == NULL);
	n = filter(items, 7, is_odd);
	assert(n == 4);
	assert(fold(items, n, 0, add) == 16);
	puts("callbacks work");
	return 0;
}
