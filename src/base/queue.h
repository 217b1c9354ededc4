// A bounded, blocking queue of fixed-size items between threads.
//
// Memory is taken at create; push and pop never allocate. close() wakes everybody: pushes fail at once, pops drain what
// is left and then fail. Thread-safety: all calls safe. Lock order: the queue's mutex is a leaf.
#ifndef TL_BASE_QUEUE_H
#define TL_BASE_QUEUE_H

#include <stddef.h>

#include <touchline/error.h>

typedef struct TlQueue TlQueue;

TlQueue *tl_queue_create(size_t capacity, size_t item_bytes); // NULL when out of memory
void tl_queue_destroy(TlQueue **queue);
TL_NODISCARD int tl_queue_push(TlQueue *queue, const void *item); // blocks while full; TL_EOF when closed
TL_NODISCARD int tl_queue_pop(TlQueue *queue, void *item);        // blocks while empty; TL_EOF when closed and empty
TL_NODISCARD int tl_queue_try_pop(TlQueue *queue, void *item);    // TL_EAGAIN when empty
// As push and pop, but TL_EAGAIN when nothing happened for timeout_ms (0 = at once).
TL_NODISCARD int tl_queue_push_for(TlQueue *queue, const void *item, int timeout_ms);
TL_NODISCARD int tl_queue_pop_for(TlQueue *queue, void *item, int timeout_ms);
void tl_queue_close(TlQueue *queue);
void tl_queue_reset(TlQueue *queue); // empty and open again; nobody may be waiting
size_t tl_queue_length(TlQueue *queue);

#endif
