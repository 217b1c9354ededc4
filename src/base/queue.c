// Bounded blocking queue: a ring of fixed-size items under one mutex and two conditions.
//
// In: items by copy. Out: the same items in order. close() ends pushes at once and pops after the rest was drained.
#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

struct TlQueue {
    pthread_mutex_t mutex; // leaf: nothing else is locked while it is held
    pthread_cond_t not_empty, not_full;
    unsigned char *items;
    size_t item_bytes, capacity, head, length;
    int closed;
};

TlQueue *tl_queue_create(size_t capacity, size_t item_bytes)
{
    TlQueue *queue = tl_calloc(1, sizeof *queue);

    if (!queue)
        return NULL;
    queue->capacity = capacity ? capacity : 1;
    queue->item_bytes = item_bytes;
    queue->items = tl_calloc(queue->capacity, item_bytes);
    if (!queue->items)
        goto fail_items;
    if (pthread_mutex_init(&queue->mutex, NULL))
        goto fail_mutex;
    if (pthread_cond_init(&queue->not_empty, NULL))
        goto fail_not_empty;
    if (pthread_cond_init(&queue->not_full, NULL))
        goto fail_not_full;
    return queue;

fail_not_full:
    pthread_cond_destroy(&queue->not_empty);
fail_not_empty:
    pthread_mutex_destroy(&queue->mutex);
fail_mutex:
    tl_free(&queue->items);
fail_items:
    tl_free(&queue);
    return NULL;
}

void tl_queue_destroy(TlQueue **queue)
{
    if (!queue || !*queue)
        return;
    pthread_cond_destroy(&(*queue)->not_full);
    pthread_cond_destroy(&(*queue)->not_empty);
    pthread_mutex_destroy(&(*queue)->mutex);
    tl_free(&(*queue)->items);
    tl_free(queue);
}

// Caller holds the mutex and knows that there is room.
static void put(TlQueue *queue, const void *item)
{
    size_t tail = (queue->head + queue->length) % queue->capacity;

    memcpy(queue->items + tail * queue->item_bytes, item, queue->item_bytes);
    queue->length++;
    pthread_cond_signal(&queue->not_empty);
}

// Caller holds the mutex and knows that an item is there.
static void take(TlQueue *queue, void *item)
{
    memcpy(item, queue->items + queue->head * queue->item_bytes, queue->item_bytes);
    queue->head = (queue->head + 1) % queue->capacity;
    queue->length--;
    pthread_cond_signal(&queue->not_full);
}

int tl_queue_push(TlQueue *queue, const void *item)
{
    int ret = TL_EOF;

    pthread_mutex_lock(&queue->mutex);
    while (queue->length == queue->capacity && !queue->closed)
        pthread_cond_wait(&queue->not_full, &queue->mutex);
    if (!queue->closed) {
        put(queue, item);
        ret = TL_OK;
    }
    pthread_mutex_unlock(&queue->mutex);
    return ret;
}

int tl_queue_pop(TlQueue *queue, void *item)
{
    int ret = TL_EOF;

    pthread_mutex_lock(&queue->mutex);
    while (!queue->length && !queue->closed)
        pthread_cond_wait(&queue->not_empty, &queue->mutex);
    if (queue->length) {
        take(queue, item);
        ret = TL_OK;
    }
    pthread_mutex_unlock(&queue->mutex);
    return ret;
}

static struct timespec time_from_now(int timeout_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return until;
}

int tl_queue_push_for(TlQueue *queue, const void *item, int timeout_ms)
{
    const struct timespec until = time_from_now(timeout_ms);
    int ret = TL_EAGAIN, late = 0;

    pthread_mutex_lock(&queue->mutex);
    while (queue->length == queue->capacity && !queue->closed && !late)
        late = pthread_cond_timedwait(&queue->not_full, &queue->mutex, &until) == ETIMEDOUT;
    if (queue->closed) {
        ret = TL_EOF;
    } else if (queue->length < queue->capacity) {
        put(queue, item);
        ret = TL_OK;
    }
    pthread_mutex_unlock(&queue->mutex);
    return ret;
}

int tl_queue_pop_for(TlQueue *queue, void *item, int timeout_ms)
{
    const struct timespec until = time_from_now(timeout_ms);
    int ret = TL_EAGAIN, late = 0;

    pthread_mutex_lock(&queue->mutex);
    while (!queue->length && !queue->closed && !late)
        late = pthread_cond_timedwait(&queue->not_empty, &queue->mutex, &until) == ETIMEDOUT;
    if (queue->length) {
        take(queue, item);
        ret = TL_OK;
    } else if (queue->closed) {
        ret = TL_EOF;
    }
    pthread_mutex_unlock(&queue->mutex);
    return ret;
}

int tl_queue_try_pop(TlQueue *queue, void *item)
{
    int ret = TL_EAGAIN;

    pthread_mutex_lock(&queue->mutex);
    if (queue->length) {
        take(queue, item);
        ret = TL_OK;
    } else if (queue->closed) {
        ret = TL_EOF;
    }
    pthread_mutex_unlock(&queue->mutex);
    return ret;
}

void tl_queue_close(TlQueue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = 1;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_cond_broadcast(&queue->not_full);
    pthread_mutex_unlock(&queue->mutex);
}

void tl_queue_reset(TlQueue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->head = 0;
    queue->length = 0;
    queue->closed = 0;
    pthread_mutex_unlock(&queue->mutex);
}

size_t tl_queue_length(TlQueue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    size_t length = queue->length;
    pthread_mutex_unlock(&queue->mutex);
    return length;
}
