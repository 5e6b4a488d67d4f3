#include <stdlib.h>
#include <string.h>

struct node {
	char *key;
	struct node *left, *right;
};

struct node *tree_add(struct node *root, const char *key)
{
	int order;

	if (root == NULL) {
		root = calloc(1, sizeof(*root));
		root->key = strdup(key);
		return root;
	}
	order = strcmp(key, root->key);
	if (order < 0)
		root->left = tree_add(root->left, key);
	else if (order > 0)
		root->right = tree_add(root->right, key);
	return root;
}

int tree_size(const struct node *root)
{
	return root ? 1 + tree_size(root->left) + tree_size(root->right) : 0;
}

/* An empty tree has no smallest key, and this does not look. */
const char *tree_min(const struct node *root)
{
	while (root->left != NULL)
		root = root->left;
	return root->key;
}
