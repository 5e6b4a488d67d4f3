#include <pthread.h>
#include <stddef.h>

#define QUEUE_SIZE 8

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty, not_full;
	long items[QUEUE_SIZE];
	size_t head, len;
};

void queue_init(struct queue *q);
void queue_put(struct queue *q, long item);
long queue_take(struct queue *q);
