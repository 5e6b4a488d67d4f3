#include "list.h"

#include <stdlib.h>

struct node *list_push(struct node *head, int value)
{
	struct node *node = malloc(sizeof(*node));

	if (node == NULL)
		abort();
	node->value = value;
	node->next = head;
	return node;
}

struct node *list_reverse(struct node *head)
{
	struct node *result = NULL;

	while (head != NULL) {
		struct node *next = head->next;

		head->next = result;
		result = head;
		head = next;
	}
	return result;
}

struct node *list_remove(struct node *head, int value)
{
	for (struct node **at = &head; *at != NULL;) {
		struct node *node = *at;

		if (node->value == value) {
			*at = node->next;
			free(node);
		} else {
			at = &node->next;
		}
	}
	return head;
}

int list_has_cycle(const struct node *head)
{
	const struct node *slow = head, *fast = head;

	while (fast != NULL && fast->next != NULL) {
		slow = slow->next;
		fast = fast->next->next;
		if (slow == fast)
			return 1;
	}
	return 0;
}

int list_length(const struct node *head)
{
	int n = 0;

	for (; head != NULL; head = head->next)
		n++;
	return n;
}
