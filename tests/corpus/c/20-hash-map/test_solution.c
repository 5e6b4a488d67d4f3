#include <assert.h>
#include <stdio.h>

#include "solution.c"

int main(void)
{
	static struct map map;
	static char keys[60][8];

	for (int i = 0; i < 60; i++) {
		snprintf(keys[i], sizeof(keys[i]), "key%d", i);
		assert(map_set(&map, keys[i], i) == 0);
	}
	assert(map.count == 60);
	assert(*map_get(&map, "key42") == 42);
	assert(map_get(&map, "nope") == NULL);
	for (int i = 0; i < 30; i++)
		map_remove(&map, keys[i]);
	fprintf(stderr, "removed half of them\n");
	for (int i = 30; i < 60; i++)
		assert(map_get(&map, keys[i]) != NULL);
	return 0;
}
