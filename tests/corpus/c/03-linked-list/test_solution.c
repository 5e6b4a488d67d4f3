#include "list.h"
#include "unity_small.h"

static struct node *upto(int n)
{
	struct node *head = NULL;

	while (n > 0)
		head = list_push(head, n--);
	return head;
}

static void test_length(void)
{
	TEST_ASSERT_EQUAL_INT(0, list_length(NULL));
	TEST_ASSERT_EQUAL_INT(100, list_length(upto(100)));
}

static void test_reverse(void)
{
	struct node *head = list_reverse(upto(3));

	TEST_ASSERT_EQUAL_INT(3, head->value);
	TEST_ASSERT_EQUAL_INT(1, head->next->next->value);
	TEST_ASSERT(head->next->next->next == NULL);
}

static void test_remove(void)
{
	struct node *head = list_remove(list_push(upto(3), 1), 1);

	TEST_ASSERT_EQUAL_INT(2, list_length(head));
	TEST_ASSERT_EQUAL_INT(2, head->value);
}

static void test_remove_all(void)
{
	TEST_ASSERT(list_remove(list_push(NULL, 5), 5) == NULL);
}

static void test_cycle(void)
{
	struct node *head = upto(4);

	TEST_ASSERT(!list_has_cycle(head));
	head->next->next->next->next = head->next;
	TEST_ASSERT(list_has_cycle(head));
}

int main(void)
{
	RUN_TEST(test_length);
	RUN_TEST(test_reverse);
	RUN_TEST(test_remove);
	RUN_TEST(test_remove_all);
	RUN_TEST(test_cycle);
	return UNITY_END();
}
