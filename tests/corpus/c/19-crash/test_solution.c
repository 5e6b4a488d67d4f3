#include <stdio.h>
#include <string.h>

struct node;
struct node *tree_add(struct node *root, const char *key);
int tree_size(const struct node *root);
const char *tree_min(const struct node *root);

int main(void)
{
	struct node *root = NULL;
	static const char *const keys[] = {"m", "c", "x", "a", "c", "z"};
	const char *volatile smallest;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("1..5");
	puts(tree_size(root) == 0 ? "ok 1 - empty" : "not ok 1 - empty");
	for (int i = 0; i < 6; i++)
		root = tree_add(root, keys[i]);
	puts(tree_size(root) == 5 ? "ok 2 - size" : "not ok 2 - size");
	puts(strcmp(tree_min(root), "a") == 0 ? "ok 3 - min" : "not ok 3 - min");
	smallest = tree_min(NULL);
	puts(smallest == NULL ? "ok 4 - min of nothing" : "not ok 4 - min of nothing");
	puts("ok 5 - last");
	return 0;
}
