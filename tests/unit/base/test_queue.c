// The bounded queue: order, bounds, closing, and threads.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/queue.h"

static void items_leave_in_order(void **state)
{
    TlQueue *queue = tl_queue_create(3, sizeof(int));
    int item = 0, next = 0;

    (void)state;
    assert_non_null(queue);
    assert_int_equal(tl_queue_try_pop(queue, &item), TL_EAGAIN);
    // Around the ring several times with changing fill.
    for (int round = 0; round < 20; round++) {
        int fill = round % 3 + 1, base = next;
        for (int i = 0; i < fill; i++) {
            int value = base + i;
            assert_int_equal(tl_queue_push(queue, &value), TL_OK);
        }
        assert_int_equal(tl_queue_length(queue), fill);
        for (int i = 0; i < fill; i++) {
            assert_int_equal(tl_queue_pop(queue, &item), TL_OK);
            assert_int_equal(item, next++);
        }
    }
    tl_queue_destroy(&queue);
    assert_null(queue);
    tl_queue_destroy(&queue);
}

static void close_drains_then_ends(void **state)
{
    TlQueue *queue = tl_queue_create(4, sizeof(int));
    int item = 5;

    (void)state;
    assert_int_equal(tl_queue_push(queue, &item), TL_OK);
    tl_queue_close(queue);
    assert_int_equal(tl_queue_push(queue, &item), TL_EOF);
    item = 0;
    assert_int_equal(tl_queue_pop(queue, &item), TL_OK);
    assert_int_equal(item, 5);
    assert_int_equal(tl_queue_pop(queue, &item), TL_EOF);
    assert_int_equal(tl_queue_try_pop(queue, &item), TL_EOF);
    tl_queue_reset(queue);
    assert_int_equal(tl_queue_try_pop(queue, &item), TL_EAGAIN);
    assert_int_equal(tl_queue_push(queue, &item), TL_OK);
    tl_queue_reset(queue);
    assert_int_equal(tl_queue_length(queue), 0);
    tl_queue_destroy(&queue);
}

static void impossible_queues(void **state)
{
    (void)state;
    assert_null(tl_queue_create(SIZE_MAX / 2, 16));
    TlQueue *queue = tl_queue_create(0, 1); // counts as one
    char c = 'x';
    assert_int_equal(tl_queue_push(queue, &c), TL_OK);
    assert_int_equal(tl_queue_length(queue), 1);
    tl_queue_destroy(&queue);
}

enum { PRODUCERS = 3, CONSUMERS = 2, PER_PRODUCER = 5000 };

typedef struct Shared {
    TlQueue *queue;
    atomic_int next_producer, too_long;
    atomic_long sum, count;
} Shared;

static void *produce(void *opaque)
{
    Shared *shared = opaque;
    int producer = atomic_fetch_add(&shared->next_producer, 1);

    for (int i = 0; i < PER_PRODUCER; i++) {
        long value = (long)producer * PER_PRODUCER + i;
        if (tl_queue_push(shared->queue, &value) < 0)
            return NULL;
        if (tl_queue_length(shared->queue) > 7)
            atomic_store(&shared->too_long, 1);
    }
    return NULL;
}

static void *consume(void *opaque)
{
    Shared *shared = opaque;
    long value;

    while (tl_queue_pop(shared->queue, &value) == TL_OK) {
        atomic_fetch_add(&shared->sum, value);
        atomic_fetch_add(&shared->count, 1);
    }
    return NULL;
}

static void threads_lose_and_double_nothing(void **state)
{
    Shared shared = {.queue = tl_queue_create(7, sizeof(long))};
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    const long total = (long)PRODUCERS * PER_PRODUCER;

    (void)state;
    uint64_t before = tl_alloc_count();
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&consumers[i], NULL, consume, &shared), 0);
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, produce, &shared), 0);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], NULL);
    tl_queue_close(shared.queue);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i], NULL);
    assert_int_equal(shared.count, total);
    assert_int_equal(shared.sum, total * (total - 1) / 2);
    assert_int_equal(shared.too_long, 0);
    assert_int_equal(tl_alloc_count(), before);
    tl_queue_destroy(&shared.queue);
}

static void *blocked_push(void *opaque)
{
    int item = 1;
    return (void *)(intptr_t)tl_queue_push(opaque, &item);
}

static void *blocked_pop(void *opaque)
{
    int item;
    return (void *)(intptr_t)tl_queue_pop(opaque, &item);
}

static void close_wakes_those_who_wait(void **state)
{
    TlQueue *full = tl_queue_create(1, sizeof(int)), *empty = tl_queue_create(1, sizeof(int));
    pthread_t pusher, popper;
    void *result;
    int item = 0;

    (void)state;
    assert_int_equal(tl_queue_push(full, &item), TL_OK);
    assert_int_equal(pthread_create(&pusher, NULL, blocked_push, full), 0);
    assert_int_equal(pthread_create(&popper, NULL, blocked_pop, empty), 0);
    tl_queue_close(full);
    tl_queue_close(empty);
    pthread_join(pusher, &result);
    assert_int_equal((intptr_t)result, TL_EOF);
    pthread_join(popper, &result);
    assert_int_equal((intptr_t)result, TL_EOF);
    tl_queue_destroy(&full);
    tl_queue_destroy(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_order),       cmocka_unit_test(close_drains_then_ends),
        cmocka_unit_test(impossible_queues),          cmocka_unit_test(threads_lose_and_double_nothing),
        cmocka_unit_test(close_wakes_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
