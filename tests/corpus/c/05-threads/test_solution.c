#include <stdatomic.h>
#include <stdio.h>

#include "queue.h"

static struct queue queue;
static atomic_long total;
static _Thread_local int mine;

static void *produce(void *arg)
{
	for (long i = 1; i <= 1000; i++)
		queue_put(&queue, i);
	return arg;
}

static void *consume(void *arg)
{
	long item;

	while ((item = queue_take(&queue)) != 0) {
		atomic_fetch_add(&total, item);
		mine++;
	}
	*(int *)arg = mine;
	return arg;
}

int main(void)
{
	pthread_t producers[3], consumers[4];
	int taken[4] = {0}, sum = 0;

	puts("1..4");
	queue_init(&queue);
	for (int i = 0; i < 4; i++)
		pthread_create(&consumers[i], NULL, consume, &taken[i]);
	for (int i = 0; i < 3; i++)
		pthread_create(&producers[i], NULL, produce, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(producers[i], NULL);
	for (int i = 0; i < 4; i++)
		queue_put(&queue, 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(consumers[i], NULL);
		sum += taken[i];
	}
	printf("%s 1 - every item arrived\n", sum == 3000 ? "ok" : "not ok");
	printf("%s 2 - sum\n", atomic_load(&total) == 3 * 500500 ? "ok" : "not ok");
	printf("%s 3 - the queue is empty\n", queue.len == 0 ? "ok" : "not ok");
	printf("%s 4 - thread-local\n", mine == 0 ? "ok" : "not ok");
	return 0;
}
