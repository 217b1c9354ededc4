// Weights of a resampled axis: area average (box filter of the exact footprint) or bilinear between sample centres.
//
// In: sizes. Out: for each output the first sample, and integer weights with the same sum for every output. The ratio
// is kept as a fraction p/q, so positions are exact integers in units of 1/q sample; sums that are a multiple of p give
// exact weights, others (p above 255) are differences of the rounded cumulative weight, so flat pictures stay flat.
#include "pre/kernels.h"

#include "base/mem.h"

#include <touchline/error.h>

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static int64_t round_div(int64_t a, int64_t b)
{
    return (2 * a + b) / (2 * b);
}

// One output as a list of weighted samples; add() merges a sample that comes twice (halved planes).
typedef struct Output {
    int start, used, halved, limit;
    int16_t *weight; ///< NULL: only count
} Output;

static void add(Output *out, int64_t sample, int64_t weight)
{
    int at = (int)sample >> out->halved;
    at = at < out->limit ? at : out->limit - 1;
    if (!weight)
        return;
    if (!out->used)
        out->start = at;
    if (out->weight)
        out->weight[at - out->start] = (int16_t)(out->weight[at - out->start] + weight);
    out->used = at - out->start + 1;
}

// The samples under [i p, (i + 1) p) in units of 1/q sample, cut at the end of the plane.
static void area(Output *out, int i, int64_t p, int64_t q, int64_t samples, int64_t total)
{
    int64_t low = i * p, high = (i + 1) * p;
    high = high > samples * q ? samples * q : high;
    if (low >= high || q <= 0) {
        add(out, samples - 1, total);
        return;
    }
    int64_t done = 0;
    for (int64_t s = low / q; s * q < high; s++) {
        int64_t end = (s + 1) * q < high ? (s + 1) * q : high;
        int64_t cumulative = round_div(total * (end - low), high - low);
        add(out, s, cumulative - done);
        done = cumulative;
    }
}

// The two samples around the centre (i + 1/2) p/q - 1/2; the border sample repeats outside.
static void bilinear(Output *out, int i, int64_t p, int64_t q, int64_t samples, int64_t total)
{
    int64_t position = (2 * (int64_t)i + 1) * p - q, last = (samples - 1) * 2 * q;
    position = position < 0 ? 0 : position > last ? last : position;
    int64_t sample = position / (2 * q);
    int64_t second = round_div(total * (position - sample * 2 * q), 2 * q);
    add(out, sample, total - second);
    add(out, sample + 1, second);
}

typedef struct Plan {
    int64_t p, q;
    int bilinear, total;
} Plan;

static void make_output(Output *out, const TlTapsParams *params, const Plan *plan, int i, int16_t *weight)
{
    *out = (Output){.halved = params->halved, .limit = params->samples, .weight = weight};
    int64_t samples = params->halved ? params->source_size : params->samples;
    if (plan->bilinear)
        bilinear(out, i, plan->p, plan->q, samples, plan->total);
    else
        area(out, i, plan->p, plan->q, samples, plan->total);
}

static Plan plan_of(const TlTapsParams *params)
{
    int64_t common = gcd(params->source_size, params->scaled_size);
    Plan plan = {.p = params->source_size / common, .q = params->scaled_size / common};
    plan.bilinear = params->kind == TL_TAPS_BILINEAR || plan.p < plan.q;
    int64_t exact = plan.bilinear ? 2 * plan.q : plan.p;
    // an even sum keeps the ordinary halves of bilinear weights exact
    int largest = plan.bilinear ? TL_PRE_TOTAL_MAX - 1 : TL_PRE_TOTAL_MAX;
    while (2 * exact <= largest) // finer steps for footprints that are cut at the end of the plane
        exact *= 2;
    plan.total = params->total ? params->total : exact <= largest ? (int)exact : largest;
    return plan;
}

static int is_narrow(const TlTaps *taps)
{
    for (int i = 0; i < taps->count; i += 16) {
        int last = i + 15 < taps->count ? i + 15 : taps->count - 1;
        if (taps->start[last] + 2 * taps->pairs - taps->start[i] > 64)
            return 0;
    }
    return 1;
}

static int allocate(TlTaps *taps, int widest)
{
    taps->pairs = (widest + 1) / 2;
    taps->stride = widest <= 4 ? 4 : (widest + 7) & ~7;
    taps->pair_stride = (taps->count + 15) & ~15;
    size_t rows = (size_t)taps->pair_stride;
    taps->start = tl_calloc(rows, sizeof *taps->start);
    taps->used = tl_calloc(rows, sizeof *taps->used);
    taps->weight = tl_calloc(rows * (size_t)taps->stride, sizeof *taps->weight);
    taps->pair = tl_calloc(rows * (size_t)taps->pairs, sizeof *taps->pair);
    return taps->start && taps->used && taps->weight && taps->pair ? 0 : TL_ENOMEM;
}

int tl_taps_init(TlTaps *taps, const TlTapsParams *params)
{
    Plan plan = plan_of(params);
    Output out;
    int widest = 1;
    for (int i = 0; i < params->count; i++) {
        make_output(&out, params, &plan, i, NULL);
        widest = out.used > widest ? out.used : widest;
    }
    *taps = (TlTaps){.count = params->count, .total = plan.total};
    if (allocate(taps, widest) < 0) {
        tl_taps_deinit(taps);
        return TL_ENOMEM;
    }
    for (int i = 0; i < params->count; i++) {
        int16_t *weight = taps->weight + (size_t)i * (size_t)taps->stride;
        make_output(&out, params, &plan, i, weight);
        taps->start[i] = out.start;
        taps->used[i] = out.used;
        for (int p = 0; p < taps->pairs; p++)
            taps->pair[(size_t)p * (size_t)taps->pair_stride + (size_t)i] =
                (uint16_t)weight[2 * p] | (uint32_t)(uint16_t)weight[2 * p + 1] << 16;
    }
    taps->narrow = is_narrow(taps);
    return 0;
}

void tl_taps_deinit(TlTaps *taps)
{
    tl_free(&taps->start);
    tl_free(&taps->used);
    tl_free(&taps->weight);
    tl_free(&taps->pair);
}
