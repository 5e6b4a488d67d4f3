/* A bounded queue between threads. */
#include "queue.h"

void queue_init(struct queue *q)
{
	*q = (struct queue){0};
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->not_empty, NULL);
	pthread_cond_init(&q->not_full, NULL);
}

void queue_put(struct queue *q, long item)
{
	pthread_mutex_lock(&q->lock);
	while (q->len == QUEUE_SIZE)
		pthread_cond_wait(&q->not_full, &q->lock);
	q->items[(q->head + q->len++) % QUEUE_SIZE] = item;
	pthread_cond_signal(&q->not_empty);
	pthread_mutex_unlock(&q->lock);
}

long queue_take(struct queue *q)
{
	long item;

	pthread_mutex_lock(&q->lock);
	while (q->len == 0)
		pthread_cond_wait(&q->not_empty, &q->lock);
	item = q->items[q->head];
	q->head = (q->head + 1) % QUEUE_SIZE;
	q->len--;
	pthread_cond_signal(&q->not_full);
	pthread_mutex_unlock(&q->lock);
	return item;
}
