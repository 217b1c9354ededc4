// Tensors, noise and letterboxes for the tests of the heads.
#ifndef TL_TEST_POST_UTIL_H
#define TL_TEST_POST_UTIL_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post/post.h"

static inline uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static inline float uniform(uint32_t *seed, float low, float high)
{
    return low + (high - low) * (float)next_random(seed) / 16777216.0f;
}

static inline TlTensor make_tensor(const char *name, int rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    TlTensor t = {.dtype = TL_DTYPE_F32, .rank = rank, .dim = {a, b, c, d}};
    snprintf(t.name, sizeof t.name, "%s", name);
    t.data = calloc((size_t)(a * b * c * (rank > 3 ? d : 1)), sizeof(float));
    return t;
}

static inline float *at4(const TlTensor *t, int n, int c, int y, int x)
{
    return (float *)t->data + ((n * t->dim[1] + c) * t->dim[2] + y) * t->dim[3] + x;
}

static inline float *at3(const TlTensor *t, int n, int row, int column)
{
    return (float *)t->data + (n * t->dim[1] + row) * t->dim[2] + column;
}

static inline void fill_tensor(TlTensor *t, float value)
{
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++)
        count *= t->dim[i];
    for (int64_t i = 0; i < count; i++)
        ((float *)t->data)[i] = value;
}

static inline TlModelMeta *make_meta(const char *const *pairs)
{
    TlModelMeta *meta = calloc(1, sizeof *meta);
    for (; *pairs; pairs += 2, meta->count++) {
        snprintf(meta->item[meta->count].key, sizeof meta->item[0].key, "%s", pairs[0]);
        snprintf(meta->item[meta->count].value, sizeof meta->item[0].value, "%s", pairs[1]);
    }
    return meta;
}

static inline void add_meta_output(TlModelMeta *meta, const char *name, int rank, int64_t a, int64_t b, int64_t c,
                                   int64_t d)
{
    const int64_t dim[4] = {a, b, c, d};
    int i = meta->output_count++;
    snprintf(meta->output[i].name, sizeof meta->output[0].name, "%s", name);
    meta->output[i].rank = rank;
    memcpy(meta->output[i].dim, dim, (size_t)rank * sizeof *dim);
}

static inline void set_meta_input(TlModelMeta *meta, int dtype, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t dim[4] = {a, b, c, d};
    meta->input_dtype = dtype;
    meta->input_rank = 4;
    memcpy(meta->input_dim, dim, sizeof dim);
}

static inline double sigmoid_of(double v)
{
    return 1 / (1 + exp(-v));
}

#endif
