// Speed of the pre-processing: ns per frame for every instruction set of this machine.
//
// Usage: bench_kernels [rounds]. Prints one line a case: source and network size, then the best of `rounds` runs
// (default 200) per kernel table. The same picture every time: what is measured is the arithmetic, not the memory.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "pre/pre.h"

typedef struct Case {
    const char *name;
    int src_width, src_height, net_width, net_height, layout;
} Case;

static const Case cases[] = {
    {"720p players 2:1", 1280, 720, 640, 384, TL_PRE_YUV_S2D},
    {"720p pitch 8:3", 1280, 720, 480, 288, TL_PRE_YUV_S2D},
    {"1080p players 3:1", 1920, 1080, 640, 384, TL_PRE_YUV_S2D},
    {"1080p pitch 4:1", 1920, 1080, 480, 288, TL_PRE_YUV_S2D},
    {"2160p players 6:1", 3840, 2160, 640, 384, TL_PRE_YUV_S2D},
    {"360p players 1:1", 640, 360, 640, 384, TL_PRE_YUV_S2D},
    {"360p enlarged", 640, 360, 960, 576, TL_PRE_YUV_S2D},
    {"478p odd ratio", 850, 478, 640, 384, TL_PRE_YUV_S2D},
    {"720p ultralytics", 1280, 720, 640, 384, TL_PRE_RGB_F32},
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

// Random pixels in one block of memory, planes one after another.
static int make_picture(TlPicture *picture, int width, int height)
{
    int half_width = (width + 1) / 2, half_height = (height + 1) / 2;
    size_t luma = (size_t)width * (size_t)height, chroma = (size_t)half_width * (size_t)half_height;
    uint8_t *data = tl_calloc(luma + 2 * chroma, 1);
    if (!data)
        return -1;
    uint32_t state = 1;
    for (size_t i = 0; i < luma + 2 * chroma; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (uint8_t)(state >> 24);
    }
    *picture = (TlPicture){.width = width,
                           .height = height,
                           .plane = {data, data + luma, data + luma + chroma},
                           .stride = {width, half_width, half_width}};
    return 0;
}

static int64_t best_of(TlPre *pre, const TlPicture *picture, void *dst, int rounds)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < rounds; i++) {
        int64_t start = now_ns();
        tl_pre_run(pre, picture, dst);
        int64_t spent = now_ns() - start;
        best = spent < best ? spent : best;
    }
    return best;
}

static int run_case(const Case *c, int rounds)
{
    static const struct {
        const char *name;
        unsigned mask;
    } tables[] = {{"c", 0}, {"avx2", TL_CPU_AVX2}, {"avx512", TL_CPU_AVX2 | TL_CPU_AVX512}};
    TlPicture picture;
    void *dst = tl_calloc((size_t)c->net_width * (size_t)c->net_height * 3, sizeof(float));
    if (!dst || make_picture(&picture, c->src_width, c->src_height) < 0)
        return 1;
    printf("%-20s %4dx%-4d -> %3dx%-3d", c->name, c->src_width, c->src_height, c->net_width, c->net_height);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if ((tl_cpu_flags() & tables[i].mask) != tables[i].mask)
            continue;
        TlLetterbox box;
        tl_letterbox_init(&box, c->src_width, c->src_height, c->net_width, c->net_height, TL_PRE_TOP_LEFT);
        TlPre *pre = tl_pre_create(&box, c->layout, tables[i].mask);
        if (!pre)
            return 1;
        printf("  %s %8lld ns", tables[i].name, (long long)best_of(pre, &picture, dst, rounds));
        tl_pre_destroy(&pre);
    }
    printf("\n");
    uint8_t *pixels = (uint8_t *)picture.plane[0];
    tl_free(&pixels);
    tl_free(&dst);
    return 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (run_case(&cases[i], rounds < 1 ? 1 : rounds))
            return 1;
    return 0;
}
