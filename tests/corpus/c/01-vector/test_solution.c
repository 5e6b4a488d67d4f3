#include <stdio.h>

#include "solution.h"

static int number, failed;

static void ok(int is_ok, const char *name)
{
	printf("%sok %d - %s\n", is_ok ? "" : "not ", ++number, name);
	failed += !is_ok;
}

static int twice(int x)
{
	return 2 * x;
}

int main(void)
{
	struct vector v;

	vector_init(&v);
	ok(v.len == 0 && vector_sum(&v) == 0, "starts empty");
	for (int i = 1; i <= 1000; i++)
		vector_push(&v, i);
	ok(v.len == 1000, "length");
	ok(v.cap == 1024, "doubles");
	ok(vector_sum(&v) == 500500, "sum");
	ok(vector_insert(&v, 0, 7) == 0 && v.items[0] == 7, "insert in front");
	ok(vector_insert(&v, 2000, 7) < 0, "insert past the end");
	ok(vector_remove(&v, 0) == 0 && v.items[0] == 1, "remove");
	vector_map(&v, twice);
	ok(vector_sum(&v) == 1001000, "map");
	vector_done(&v);
	ok(v.items == NULL, "done");
	printf("1..%d\n", number);
	return failed != 0;
}
