// Pre-processing of one picture: planes are scaled row by row and stored as a network's input.
//
// In: a planar 4:2:0 picture. Out: u8 [6,H/2,W/2] (luma in 2x2 space-to-depth, U, V) or f32 [3,H,W] RGB. A row of the
// output is a weighted sum of source rows (integer column sums, one pass over the source) and then of neighbouring
// columns; the ordinary cases 2:1 and 1:1 skip the column sums. Chroma is taken as lying in the middle of its four
// pixels.
#include "pre/pre.h"

#include "base/mem.h"
#include "pre/kernels.h"

#include <math.h>
#include <string.h>

enum { LUMA_PAD = 16, CHROMA_PAD = 128 };
enum Shape { SHAPE_COPY, SHAPE_BOX2, SHAPE_GENERAL };

// How one plane (luma, or U and V alike) is scaled.
typedef struct Scaler {
    int shape;         ///< enum Shape
    int width, height; ///< of the scaled plane
    int shift;         ///< fraction bits of both weight sums together
    TlTaps rows, columns;
} Scaler;

struct TlPre {
    TlLetterbox box;
    int layout;
    const TlPreKernels *kernels;
    Scaler luma, chroma;
    TlRgbMatrix matrix;
    const uint8_t **source_rows; ///< of one output row
    int16_t *sums;               ///< column sums of one output row
    uint8_t *net_row;            ///< a luma row of the network picture with its padding
    int16_t *fine[3];            ///< Y, U, V of one output row (RGB)
};

static int half_up(int n)
{
    return (n + 1) / 2;
}

// Largest shift whose horizontal weight sum, 2^shift / vertical sum, fits int16.
static int find_shift(int vertical_total, int *horizontal_total)
{
    int shift = 14;
    while (round((double)(1 << (shift + 1)) / vertical_total) <= INT16_MAX)
        shift++;
    *horizontal_total = (int)round((double)(1 << shift) / vertical_total);
    return shift;
}

static int scaler_taps(Scaler *scaler, const TlLetterbox *box, int kind, int plane_is_half)
{
    TlTapsParams rows = {.kind = kind,
                         .source_size = box->src_height,
                         .scaled_size = box->in_height,
                         .samples = plane_is_half ? half_up(box->src_height) : box->src_height,
                         .count = scaler->height,
                         .halved = plane_is_half && kind == TL_TAPS_BILINEAR};
    TlTapsParams columns = rows;
    columns.source_size = box->src_width;
    columns.scaled_size = box->in_width;
    columns.samples = plane_is_half ? half_up(box->src_width) : box->src_width;
    columns.count = scaler->width;
    int ret = tl_taps_init(&scaler->rows, &rows);
    if (ret < 0)
        return ret;
    scaler->shift = find_shift(scaler->rows.total, &columns.total);
    return tl_taps_init(&scaler->columns, &columns);
}

static int scaler_init(Scaler *scaler, const TlLetterbox *box, int layout, int plane_is_half)
{
    int rgb = layout == TL_PRE_RGB_F32, halve = plane_is_half && !rgb;
    scaler->width = halve ? half_up(box->in_width) : box->in_width;
    scaler->height = halve ? half_up(box->in_height) : box->in_height;
    scaler->shape = SHAPE_GENERAL;
    int even = !plane_is_half || (box->in_width % 2 == 0 && box->in_height % 2 == 0);
    if (!rgb && box->src_width == box->in_width && box->src_height == box->in_height)
        scaler->shape = SHAPE_COPY;
    else if (!rgb && even && box->src_width == 2 * box->in_width && box->src_height == 2 * box->in_height)
        scaler->shape = SHAPE_BOX2;
    else
        return scaler_taps(scaler, box, rgb ? TL_TAPS_BILINEAR : TL_TAPS_SCALE, plane_is_half);
    return 0;
}

static void scaler_deinit(Scaler *scaler)
{
    tl_taps_deinit(&scaler->rows);
    tl_taps_deinit(&scaler->columns);
}

static int16_t coefficient(double value)
{
    return (int16_t)lround(value * (1 << TL_RGB_FRACTION));
}

// Limited range, by kr and kb of the standard (ITU-R BT.601 and BT.709).
static TlRgbMatrix rgb_matrix(double kr, double kb)
{
    const double kg = 1 - kr - kb, luma = 255.0 / 219, chroma = 255.0 / 224;
    TlRgbMatrix m = {
        .y = coefficient(luma),
        .v_r = coefficient(chroma * 2 * (1 - kr)),
        .u_g = coefficient(-chroma * 2 * (1 - kb) * kb / kg),
        .v_g = coefficient(-chroma * 2 * (1 - kr) * kr / kg),
        .u_b = coefficient(chroma * 2 * (1 - kb)),
    };
    m.offset = m.y * ((128 - LUMA_PAD) << TL_PRE_FINE_SHIFT);
    return m;
}

static int box_is_legal(const TlLetterbox *box, int layout)
{
    int even = box->net_width % 2 == 0 && box->net_height % 2 == 0;
    return box->src_width > 0 && box->src_height > 0 && box->in_width > 0 && box->in_height > 0 && box->offset_x >= 0 &&
           box->offset_y >= 0 && box->offset_x + box->in_width <= box->net_width &&
           box->offset_y + box->in_height <= box->net_height && (even || layout == TL_PRE_RGB_F32);
}

static int pre_init(TlPre *pre)
{
    const TlLetterbox *box = &pre->box;
    int ret = scaler_init(&pre->luma, box, pre->layout, 0);
    if (ret == 0)
        ret = scaler_init(&pre->chroma, box, pre->layout, 1);
    if (ret < 0)
        return ret;
    int taps = 2 * (pre->luma.rows.pairs > pre->chroma.rows.pairs ? pre->luma.rows.pairs : pre->chroma.rows.pairs);
    int stride =
        pre->luma.columns.stride > pre->chroma.columns.stride ? pre->luma.columns.stride : pre->chroma.columns.stride;
    pre->source_rows = tl_calloc((size_t)taps + 1, sizeof *pre->source_rows);
    pre->sums = tl_calloc((size_t)box->src_width + TL_PRE_ROW_PAD + (size_t)stride, sizeof *pre->sums);
    pre->net_row = tl_calloc((size_t)box->net_width, 1);
    if (!pre->source_rows || !pre->sums || !pre->net_row)
        return TL_ENOMEM;
    memset(pre->net_row, LUMA_PAD, (size_t)box->net_width);
    if (pre->layout != TL_PRE_RGB_F32)
        return 0;
    pre->matrix = box->src_height < 720 ? rgb_matrix(0.299, 0.114) : rgb_matrix(0.2126, 0.0722);
    for (int i = 0; i < 3; i++) {
        pre->fine[i] = tl_calloc((size_t)box->in_width, sizeof *pre->fine[i]);
        if (!pre->fine[i])
            return TL_ENOMEM;
    }
    return 0;
}

TlPre *tl_pre_create(const TlLetterbox *box, int layout, unsigned cpumask)
{
    if (!box_is_legal(box, layout))
        return NULL;
    TlPre *pre = tl_calloc(1, sizeof *pre);
    if (!pre)
        return NULL;
    pre->box = *box;
    pre->layout = layout;
    pre->kernels = tl_pre_kernels(cpumask);
    if (pre_init(pre) < 0)
        tl_pre_destroy(&pre);
    return pre;
}

void tl_pre_destroy(TlPre **pre)
{
    TlPre *p = *pre;
    if (!p)
        return;
    scaler_deinit(&p->luma);
    scaler_deinit(&p->chroma);
    tl_free(&p->source_rows);
    tl_free(&p->sums);
    tl_free(&p->net_row);
    for (int i = 0; i < 3; i++)
        tl_free(&p->fine[i]);
    tl_free(pre);
}

// A plane of the source and how it is scaled.
typedef struct Plane {
    const Scaler *scaler;
    const uint8_t *data;
    int stride;
    int width; ///< samples of a source row
} Plane;

static void sum_rows(TlPre *pre, const Plane *plane, int y)
{
    const TlTaps *rows = &plane->scaler->rows;
    for (int t = 0; t < rows->used[y]; t++)
        pre->source_rows[t] = plane->data + (ptrdiff_t)(rows->start[y] + t) * plane->stride;
    const int16_t *weight = rows->weight + (size_t)y * (size_t)rows->stride;
    pre->kernels->vert(pre->sums, pre->source_rows, weight, rows->used[y], plane->width);
}

// Row y of the scaled plane.
static void scale_row(TlPre *pre, const Plane *plane, int y, uint8_t *dst)
{
    const Scaler *s = plane->scaler;
    const uint8_t *row = plane->data + (ptrdiff_t)y * plane->stride;
    switch (s->shape) {
    case SHAPE_COPY:
        memcpy(dst, row, (size_t)s->width);
        break;
    case SHAPE_BOX2:
        row += (ptrdiff_t)y * plane->stride;
        pre->kernels->box2(dst, row, row + plane->stride, s->width);
        break;
    default:
        sum_rows(pre, plane, y);
        pre->kernels->horz(dst, pre->sums, &s->columns, s->shift);
    }
}

static void run_luma(TlPre *pre, const Plane *plane, uint8_t *dst)
{
    const TlLetterbox *box = &pre->box;
    const size_t half = (size_t)box->net_width / 2, channel = half * (size_t)(box->net_height / 2);
    for (int y = 0; y < box->net_height; y++) {
        uint8_t *even = dst + (size_t)(y & 1) * 2 * channel + (size_t)(y / 2) * half;
        int inside = y - box->offset_y;
        if (inside < 0 || inside >= box->in_height) {
            memset(even, LUMA_PAD, half);
            memset(even + channel, LUMA_PAD, half);
            continue;
        }
        scale_row(pre, plane, inside, pre->net_row + box->offset_x);
        pre->kernels->split(even, even + channel, pre->net_row, (int)half);
    }
}

static void run_chroma(TlPre *pre, const Plane *plane, uint8_t *dst)
{
    const TlLetterbox *box = &pre->box;
    const int width = box->net_width / 2, height = box->net_height / 2, left = box->offset_x / 2;
    const int right = left + plane->scaler->width;
    for (int y = 0; y < height; y++, dst += width) {
        int inside = y - box->offset_y / 2;
        if (inside < 0 || inside >= plane->scaler->height) {
            memset(dst, CHROMA_PAD, (size_t)width);
            continue;
        }
        memset(dst, CHROMA_PAD, (size_t)left);
        scale_row(pre, plane, inside, dst + left);
        memset(dst + right, CHROMA_PAD, (size_t)(width - right));
    }
}

static void fill(float *dst, float value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = value;
}

static void rgb_row(TlPre *pre, const Plane planes[3], int y, float *const row[3])
{
    float *inside[3];
    const int16_t *yuv[3];
    for (int i = 0; i < 3; i++) {
        sum_rows(pre, &planes[i], y);
        pre->kernels->horz_fine(pre->fine[i], pre->sums, &planes[i].scaler->columns, planes[i].scaler->shift);
        inside[i] = row[i] + pre->box.offset_x;
        yuv[i] = pre->fine[i];
    }
    pre->kernels->rgb(inside, yuv, &pre->matrix, pre->box.in_width);
}

static void run_rgb(TlPre *pre, const Plane planes[3], float *dst)
{
    const float pad = 114.0f / 255.0f;
    const TlLetterbox *box = &pre->box;
    const size_t width = (size_t)box->net_width, right = (size_t)(box->offset_x + box->in_width);
    for (int y = 0; y < box->net_height; y++) {
        float *row[3];
        int inside = y - box->offset_y, padding = inside < 0 || inside >= box->in_height;
        for (int i = 0; i < 3; i++) {
            row[i] = dst + ((size_t)i * (size_t)box->net_height + (size_t)y) * width;
            fill(row[i], pad, padding ? width : (size_t)box->offset_x);
            fill(row[i] + right, pad, padding ? 0 : width - right);
        }
        if (!padding)
            rgb_row(pre, planes, inside, row);
    }
}

void tl_pre_run(TlPre *pre, const TlPicture *picture, void *dst)
{
    const TlLetterbox *box = &pre->box;
    Plane planes[3];
    for (int i = 0; i < 3; i++)
        planes[i] = (Plane){.scaler = i ? &pre->chroma : &pre->luma,
                            .data = picture->plane[i],
                            .stride = picture->stride[i],
                            .width = i ? half_up(box->src_width) : box->src_width};
    if (pre->layout == TL_PRE_RGB_F32) {
        run_rgb(pre, planes, dst);
        return;
    }
    size_t channel = (size_t)(box->net_width / 2) * (size_t)(box->net_height / 2);
    run_luma(pre, &planes[0], dst);
    run_chroma(pre, &planes[1], (uint8_t *)dst + 4 * channel);
    run_chroma(pre, &planes[2], (uint8_t *)dst + 5 * channel);
}
