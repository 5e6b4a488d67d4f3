#ifndef LIST_H
#define LIST_H
struct node {
	int value;
	struct node *next;
};

struct node *list_push(struct node *head, int value);
struct node *list_reverse(struct node *head);
struct node *list_remove(struct node *head, int value);
int list_has_cycle(const struct node *head);
int list_length(const struct node *head);
#endif
