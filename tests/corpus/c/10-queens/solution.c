#include <stdint.h>
#include <stdlib.h>

static unsigned place(unsigned n, unsigned row, unsigned columns, unsigned up,
		      unsigned down)
{
	unsigned count = 0, free = ~(columns | up | down) & ((1u << n) - 1);

	if (row == n)
		return 1;
	while (free) {
		unsigned bit = free & -free;

		free ^= bit;
		count += place(n, row + 1, columns | bit, (up | bit) << 1,
			       (down | bit) >> 1);
	}
	return count;
}

unsigned queens(unsigned n)
{
	return place(n, 0, 0, 0, 0);
}

unsigned long ackermann(unsigned long m, unsigned long n)
{
	if (m == 0)
		return n + 1;
	if (n == 0)
		return ackermann(m - 1, 1);
	return ackermann(m - 1, ackermann(m, n - 1));
}

uint64_t catalan(unsigned n)
{
	static uint64_t memo[36];

	if (n == 0)
		return 1;
	if (memo[n] == 0)
		for (unsigned i = 0; i < n; i++)
			memo[n] += catalan(i) * catalan(n - 1 - i);
	return memo[n];
}

int flood_fill(char *grid, int width, int height, int x, int y)
{
	char *cell = grid + y * width + x;

	if (x < 0 || y < 0 || x >= width || y >= height || *cell != '.')
		return 0;
	*cell = '~';
	return 1 + flood_fill(grid, width, height, x + 1, y) +
	       flood_fill(grid, width, height, x - 1, y) +
	       flood_fill(grid, width, height, x, y + 1) +
	       flood_fill(grid, width, height, x, y - 1);
}
