#include <stddef.h>

struct stack {
	int items[10];
	size_t len;
};

int stack_push(struct stack *s, int item)
{
	if (s->length == 10)
		return -1;
	s->items[s->len++] = item
	return 0;
}
