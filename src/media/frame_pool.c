// Ref-counted frames from a free list.
//
// In: a decoded AVFrame (its planes are lent, not copied) or a size. Out: TlFrame with one reference; the last unref
// hands libav's buffer back and puts the struct on the free list, so a warm pool allocates nothing. A pool that was
// destroyed lives on until its last frame is back.
#include "media/frame_pool.h"

#include <pthread.h>

#include <libavutil/frame.h>

#include "base/mem.h"

typedef struct PooledFrame {
    TlFrame frame;     // first member: a TlFrame * is a PooledFrame *
    AVFrame *lent;     // shells only
    uint8_t *pixels;   // others
    TlPicture picture; // the planes of pixels
    struct PooledFrame *next;
} PooledFrame;

struct TlFramePool {
    pthread_mutex_t lock; // a leaf: nothing else is locked under it
    PooledFrame *free;
    int width, height; // 0,0 for shells
    int outstanding;
    int destroyed;
};

TlFramePool *tl_frame_pool_create(int width, int height)
{
    TlFramePool *pool = tl_calloc(1, sizeof *pool);

    if (!pool)
        return NULL;
    if (pthread_mutex_init(&pool->lock, NULL)) {
        tl_free(&pool);
        return NULL;
    }
    pool->width = width;
    pool->height = height;
    return pool;
}

TlFramePool *tl_frame_pool_create_shells(void)
{
    return tl_frame_pool_create(0, 0);
}

static void free_frame(PooledFrame *pooled)
{
    av_frame_free(&pooled->lent);
    tl_free(&pooled->pixels);
    tl_free(&pooled);
}

static void free_pool(TlFramePool *pool)
{
    pthread_mutex_destroy(&pool->lock);
    tl_free(&pool);
}

// Planes one behind the other, rows padded to 64 bytes.
static int allocate_pixels(PooledFrame *pooled, int width, int height)
{
    size_t stride = ((size_t)width + 63) / 64 * 64, chroma_stride = (((size_t)width + 1) / 2 + 63) / 64 * 64;
    size_t chroma_rows = ((size_t)height + 1) / 2, luma = stride * (size_t)height, chroma = chroma_stride * chroma_rows;

    pooled->pixels = tl_calloc(1, luma + 2 * chroma);
    if (!pooled->pixels)
        return -1;
    pooled->picture = (TlPicture){
        .width = width,
        .height = height,
        .plane = {pooled->pixels, pooled->pixels + luma, pooled->pixels + luma + chroma},
        .stride = {(int)stride, (int)chroma_stride, (int)chroma_stride},
    };
    return 0;
}

static PooledFrame *new_frame(const TlFramePool *pool)
{
    PooledFrame *pooled = tl_calloc(1, sizeof *pooled);

    if (!pooled)
        return NULL;
    if (pool->width)
        allocate_pixels(pooled, pool->width, pool->height);
    else
        pooled->lent = av_frame_alloc();
    if (!pooled->pixels && !pooled->lent) {
        tl_free(&pooled);
        return NULL;
    }
    return pooled;
}

static PooledFrame *acquire(TlFramePool *pool)
{
    pthread_mutex_lock(&pool->lock);
    PooledFrame *pooled = pool->free;
    if (pooled)
        pool->free = pooled->next;
    pool->outstanding++;
    pthread_mutex_unlock(&pool->lock);

    if (!pooled && !(pooled = new_frame(pool))) {
        pthread_mutex_lock(&pool->lock);
        pool->outstanding--;
        pthread_mutex_unlock(&pool->lock);
        return NULL;
    }
    pooled->next = NULL;
    pooled->frame.index = 0;
    pooled->frame.time_s = 0;
    pooled->frame.picture = pooled->picture;
    pooled->frame.opaque = pooled->lent;
    pooled->frame.pool = pool;
    atomic_store_explicit(&pooled->frame.refs, 1, memory_order_relaxed);
    return pooled;
}

TlFrame *tl_frame_pool_acquire(TlFramePool *pool, TlPicture *writable)
{
    PooledFrame *pooled = acquire(pool);

    if (!pooled)
        return NULL;
    if (writable)
        *writable = pooled->picture;
    return &pooled->frame;
}

TlFrame *tl_frame_pool_wrap(TlFramePool *shells, AVFrame *picture)
{
    PooledFrame *pooled = acquire(shells);

    if (!pooled)
        return NULL;
    if (!picture)
        return &pooled->frame;
    av_frame_move_ref(pooled->lent, picture);
    TlPicture *view = &pooled->frame.picture;
    view->width = pooled->lent->width;
    view->height = pooled->lent->height;
    for (int i = 0; i < 3; i++) {
        view->plane[i] = pooled->lent->data[i];
        view->stride[i] = pooled->lent->linesize[i];
    }
    return &pooled->frame;
}

TlFrame *tl_frame_ref(TlFrame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}

void tl_frame_unref(TlFrame **frame)
{
    if (!frame || !*frame)
        return;
    PooledFrame *pooled = (PooledFrame *)*frame;
    TlFramePool *pool = pooled->frame.pool;
    *frame = NULL;
    // acq_rel: what other holders read happens before the pixels are given back.
    if (atomic_fetch_sub_explicit(&pooled->frame.refs, 1, memory_order_acq_rel) != 1)
        return;
    if (pooled->lent)
        av_frame_unref(pooled->lent);

    pthread_mutex_lock(&pool->lock);
    int last = --pool->outstanding == 0 && pool->destroyed, destroyed = pool->destroyed;
    if (!destroyed) {
        pooled->next = pool->free;
        pool->free = pooled;
    }
    pthread_mutex_unlock(&pool->lock);
    if (destroyed)
        free_frame(pooled);
    if (last)
        free_pool(pool);
}

void tl_frame_pool_destroy(TlFramePool **out)
{
    if (!out || !*out)
        return;
    TlFramePool *pool = *out;
    *out = NULL;
    pthread_mutex_lock(&pool->lock);
    PooledFrame *list = pool->free;
    pool->free = NULL;
    pool->destroyed = 1;
    int last = pool->outstanding == 0;
    pthread_mutex_unlock(&pool->lock);
    while (list) {
        PooledFrame *next = list->next;
        free_frame(list);
        list = next;
    }
    if (last)
        free_pool(pool);
}
