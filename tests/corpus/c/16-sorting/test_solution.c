#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void heap_sort(int *a, size_t n);
void shell_sort(int *a, size_t n);

static int is_sorted(const int *a, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (a[i - 1] > a[i])
			return 0;
	return 1;
}

int
main(void)
{
	int a[200];

	srand(7);
	for (size_t n = 0; n <= 200; n++) {
		for (size_t i = 0; i < n; i++)
			a[i] = rand() % 100;
		heap_sort(a, n);
		assert(is_sorted(a, n));
	}
	puts("heap sort is fine");
	fflush(stdout);
	for (size_t i = 0; i < 200; i++)
		a[i] = rand() % 100;
	shell_sort(a, 200);
	assert(is_sorted(a, 200));
	return 0;
}
