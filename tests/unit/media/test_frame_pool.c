// Frames and their pools: life times, reuse, threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include <libavutil/frame.h>

#include "base/mem.h"
#include "media/frame_pool.h"

static void fill(const TlPicture *picture, uint8_t value)
{
    for (int i = 0; i < 3; i++)
        memset((uint8_t *)picture->plane[i], value,
               (size_t)picture->stride[i] * (size_t)(i ? (picture->height + 1) / 2 : picture->height));
}

// Planes of every size are disjoint, aligned and as large as they say (the sanitizer watches the writes).
static void test_layout(void **state)
{
    static const int sizes[][2] = {{16, 16}, {17, 19}, {853, 479}, {1280, 720}, {1, 1}, {64, 2}, {65, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        TlFramePool *pool = tl_frame_pool_create(sizes[i][0], sizes[i][1]);
        TlPicture picture;
        TlFrame *frame = tl_frame_pool_acquire(pool, &picture);
        assert_non_null(frame);
        assert_int_equal(picture.width, sizes[i][0]);
        assert_int_equal(picture.height, sizes[i][1]);
        assert_memory_equal(&picture, &frame->picture, sizeof picture);
        for (int k = 0; k < 3; k++) {
            assert_int_equal((uintptr_t)picture.plane[k] % 64, 0);
            assert_true(picture.stride[k] >= (k ? (picture.width + 1) / 2 : picture.width));
        }
        assert_true(picture.plane[0] + (ptrdiff_t)picture.stride[0] * picture.height <= picture.plane[1]);
        assert_true(picture.plane[1] + (ptrdiff_t)picture.stride[1] * ((picture.height + 1) / 2) <= picture.plane[2]);
        fill(&picture, 7);
        tl_frame_unref(&frame);
        assert_null(frame);
        tl_frame_pool_destroy(&pool);
        assert_null(pool);
    }
}

static void test_reuse(void **state)
{
    TlFramePool *pool = tl_frame_pool_create(320, 240);
    TlFrame *frames[5];
    uint64_t warm = 0;

    (void)state;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 5; i++) {
            frames[i] = tl_frame_pool_acquire(pool, NULL);
            assert_non_null(frames[i]);
            frames[i]->index = 99;
            for (int k = 0; k < i; k++)
                assert_ptr_not_equal(frames[i]->picture.plane[0], frames[k]->picture.plane[0]);
        }
        for (int i = 0; i < 5; i++)
            tl_frame_unref(&frames[i]);
        if (!round)
            warm = tl_alloc_count();
    }
    assert_int_equal(tl_alloc_count(), warm);
    // A reused frame begins blank.
    frames[0] = tl_frame_pool_acquire(pool, NULL);
    assert_int_equal(frames[0]->index, 0);
    assert_int_equal(frames[0]->picture.width, 320);
    tl_frame_unref(&frames[0]);
    tl_frame_pool_destroy(&pool);
}

// Frames outlive the pool; the last reference frees both.
static void test_outlives_pool(void **state)
{
    TlFramePool *pool = tl_frame_pool_create(64, 64);
    TlFrame *a = tl_frame_pool_acquire(pool, NULL), *b = tl_frame_pool_acquire(pool, NULL), *c = tl_frame_ref(a);

    (void)state;
    tl_frame_pool_destroy(&pool);
    fill(&a->picture, 1);
    fill(&b->picture, 2);
    tl_frame_unref(&a);
    assert_int_equal(c->picture.plane[0][0], 1);
    tl_frame_unref(&c);
    assert_int_equal(b->picture.plane[0][0], 2);
    tl_frame_unref(&b);
    tl_frame_unref(&b); // NULL inside
    tl_frame_unref(NULL);
    tl_frame_pool_destroy(&pool);
    tl_frame_pool_destroy(NULL);
}

// A shell lends libav's planes and gives the buffer back with its last reference.
static void test_shells(void **state)
{
    TlFramePool *shells = tl_frame_pool_create_shells();
    AVFrame *picture = av_frame_alloc();

    (void)state;
    picture->width = 48;
    picture->height = 32;
    picture->format = 0; // AV_PIX_FMT_YUV420P
    assert_int_equal(av_frame_get_buffer(picture, 0), 0);
    AVBufferRef *watch = av_buffer_ref(picture->buf[0]);
    const uint8_t *luma = picture->data[0];
    TlFrame *frame = tl_frame_pool_wrap(shells, picture);
    assert_ptr_equal(frame->picture.plane[0], luma);
    assert_int_equal(frame->picture.width, 48);
    assert_int_equal(picture->width, 0);
    assert_int_equal(av_buffer_get_ref_count(watch), 2);
    TlFrame *second = tl_frame_ref(frame);
    tl_frame_unref(&frame);
    assert_int_equal(av_buffer_get_ref_count(watch), 2);
    tl_frame_unref(&second);
    assert_int_equal(av_buffer_get_ref_count(watch), 1);
    // Without pixels.
    frame = tl_frame_pool_wrap(shells, NULL);
    assert_int_equal(frame->picture.width, 0);
    assert_null(frame->picture.plane[0]);
    tl_frame_unref(&frame);
    av_buffer_unref(&watch);
    av_frame_free(&picture);
    tl_frame_pool_destroy(&shells);
}

static void *use_pool(void *opaque)
{
    for (int i = 0; i < 3000; i++) {
        TlPicture picture;
        TlFrame *frame = tl_frame_pool_acquire(opaque, &picture), *more = tl_frame_ref(frame);
        uint8_t *first = (uint8_t *)picture.plane[0];
        *first = (uint8_t)i;
        tl_frame_unref(&frame);
        if (*first != (uint8_t)i)
            return opaque; // somebody else got the same pixels
        tl_frame_unref(&more);
    }
    return NULL;
}

static void test_threads(void **state)
{
    TlFramePool *pool = tl_frame_pool_create(32, 32);
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_pool, pool), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    tl_frame_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout), cmocka_unit_test(test_reuse),   cmocka_unit_test(test_outlives_pool),
        cmocka_unit_test(test_shells), cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
