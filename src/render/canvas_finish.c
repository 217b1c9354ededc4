// The last steps on the canvas: blur of a moving or unfocused camera, lens softness, sensor noise, 4:2:0 planes.
// See canvas.h.
#include <string.h>

#include "render/canvas.h"
#include "render/canvas_pixel.h"
#include "render/synth_random.h"

enum { NOISE_MASK = (1 << 16) - 1 };

// Running mean over 2k+1 pixels of each row, borders repeated.
static void box_rows(TlCanvas *canvas, int k)
{
    int width = canvas->width;
    uint32_t n = (uint32_t)(2 * k + 1), scale = (65536u + n / 2) / n;
    for (int y = 0; y < canvas->height; y++) {
        uint32_t *row = canvas->pixel + (size_t)y * (size_t)width, *from = canvas->spare;
        memcpy(from, row, (size_t)width * sizeof(*row));
        uint32_t sum[3] = {0};
        for (int i = -k; i <= k; i++) {
            uint32_t p = from[i < 0 ? 0 : i >= width ? width - 1 : i];
            sum[0] += p & 255, sum[1] += p >> 8 & 255, sum[2] += p >> 16 & 255;
        }
        for (int x = 0; x < width; x++) {
            row[x] = (sum[0] * scale + 32768) >> 16 | ((sum[1] * scale + 32768) >> 16) << 8 |
                     ((sum[2] * scale + 32768) >> 16) << 16 | 0xff000000u;
            uint32_t in = from[x + k + 1 < width ? x + k + 1 : width - 1], out = from[x > k ? x - k : 0];
            sum[0] += (in & 255) - (out & 255);
            sum[1] += (in >> 8 & 255) - (out >> 8 & 255);
            sum[2] += (in >> 16 & 255) - (out >> 16 & 255);
        }
    }
}

TL_PIXEL_LOOPS static void box_columns(TlCanvas *canvas, int k)
{
    int width = canvas->width, height = canvas->height;
    uint32_t n = (uint32_t)(2 * k + 1), scale = (65536u + n / 2) / n;
    uint16_t *sum = canvas->sums;
    memcpy(canvas->spare, canvas->pixel, (size_t)width * (size_t)height * sizeof(uint32_t));
    memset(sum, 0, (size_t)width * 4 * sizeof(*sum));
    for (int i = -k; i <= k; i++) {
        const uint8_t *from = (const uint8_t *)(canvas->spare + (size_t)(i < 0         ? 0
                                                                         : i >= height ? height - 1
                                                                                       : i) *
                                                                    (size_t)width);
        for (int x = 0; x < 4 * width; x++)
            sum[x] = (uint16_t)(sum[x] + from[x]);
    }
    for (int y = 0; y < height; y++) {
        uint8_t *row = (uint8_t *)(canvas->pixel + (size_t)y * (size_t)width);
        int in_row = y + k + 1 < height ? y + k + 1 : height - 1, out_row = y > k ? y - k : 0;
        const uint8_t *in = (const uint8_t *)(canvas->spare + (size_t)in_row * (size_t)width);
        const uint8_t *out = (const uint8_t *)(canvas->spare + (size_t)out_row * (size_t)width);
        for (int x = 0; x < 4 * width; x++) {
            row[x] = (uint8_t)((sum[x] * scale + 32768) >> 16);
            sum[x] = (uint16_t)(sum[x] + in[x] - out[x]);
        }
    }
}

static int half_taps(double length)
{
    double size = length < 0 ? -length : length;
    return size < 1.8 ? 0 : size > 120 ? 60 : (int)((size - 1) / 2 + 0.5);
}

void tl_canvas_blur(TlCanvas *canvas, double dx, double dy)
{
    if (half_taps(dx))
        box_rows(canvas, half_taps(dx));
    if (half_taps(dy))
        box_columns(canvas, half_taps(dy));
}

void tl_canvas_defocus(TlCanvas *canvas, int radius)
{
    for (int i = 0; i < 2 && radius > 0; i++) {
        box_rows(canvas, radius);
        box_columns(canvas, radius);
    }
}

TL_PIXEL_LOOPS static void split_planes(TlCanvas *canvas)
{
    int width = canvas->width, height = canvas->height;
    for (int y = 0; y < height; y++) {
        const uint32_t *from = canvas->pixel + (size_t)y * (size_t)width;
        uint8_t *to = canvas->soft + (size_t)y * (size_t)canvas->stride;
        for (int x = 0; x < width; x++)
            to[x] = (uint8_t)from[x];
    }
    for (int y = 0; y < (height + 1) / 2; y++) {
        const uint32_t *a = canvas->pixel + (size_t)(2 * y) * (size_t)width;
        const uint32_t *b = 2 * y + 1 < height ? a + width : a;
        uint8_t *u = canvas->chroma[0] + (size_t)y * (size_t)canvas->chroma_stride;
        uint8_t *v = canvas->chroma[1] + (size_t)y * (size_t)canvas->chroma_stride;
        for (int x = 0; x < width / 2; x++) {
            uint32_t p = a[2 * x], q = a[2 * x + 1], r = b[2 * x], s = b[2 * x + 1];
            u[x] = (uint8_t)(((p >> 8 & 255) + (q >> 8 & 255) + (r >> 8 & 255) + (s >> 8 & 255) + 2) >> 2);
            v[x] = (uint8_t)(((p >> 16 & 255) + (q >> 16 & 255) + (r >> 16 & 255) + (s >> 16 & 255) + 2) >> 2);
        }
        if (width & 1) {
            u[width / 2] = (uint8_t)(a[width - 1] >> 8);
            v[width / 2] = (uint8_t)(a[width - 1] >> 16);
        }
    }
}

// Colour runs a little to the sides, as it does in every compressed broadcast.
static void soften_chroma(TlCanvas *canvas)
{
    int width = (canvas->width + 1) / 2;
    for (int plane = 0; plane < 2; plane++)
        for (int y = 0; y < (canvas->height + 1) / 2; y++) {
            uint8_t *row = canvas->chroma[plane] + (size_t)y * (size_t)canvas->chroma_stride;
            int left = row[0];
            for (int x = 0; x + 1 < width; x++) {
                int here = row[x];
                row[x] = (uint8_t)((left + 2 * here + row[x + 1] + 2) >> 2);
                left = here;
            }
        }
}

// Three-tap filter both ways, (k, 128 - 2k, k) / 128; negative k sharpens. A second pass is not needed up to k = 40.
TL_PIXEL_LOOPS static void soften_row(const uint8_t *above, const uint8_t *here, const uint8_t *below, uint8_t *to,
                                      int32_t *column, int width, int k)
{
    for (int x = 0; x < width; x++)
        column[x + 1] = here[x] * (128 - 2 * k) + (above[x] + below[x]) * k;
    column[0] = column[1];
    column[width + 1] = column[width];
    for (int x = 0; x < width; x++) {
        int sum = (column[x + 1] * (128 - 2 * k) + (column[x] + column[x + 2]) * k + 8192) >> 14;
        to[x] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

TL_PIXEL_LOOPS static void add_noise(uint8_t *to, const int8_t *noise, int width, int amplitude)
{
    for (int x = 0; x < width; x++) {
        int value = to[x] + ((noise[x] * amplitude + 512) >> 10);
        to[x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

void tl_canvas_finish(TlCanvas *canvas, double softness, double noise, uint64_t frame, TlPicture *picture)
{
    int height = canvas->height, width = canvas->width, k = (int)(tl_clamp(softness, -0.3, 1) * 40);
    int amplitude = (int)(tl_clamp(noise, 0, 30) * 64);
    split_planes(canvas);
    if (softness > 0.25)
        soften_chroma(canvas);
    for (int y = 0; y < height; y++) {
        const uint8_t *here = canvas->soft + (size_t)y * (size_t)canvas->stride;
        uint8_t *to = canvas->luma + (size_t)y * (size_t)canvas->stride;
        if (k)
            soften_row(y ? here - canvas->stride : here, here, y + 1 < height ? here + canvas->stride : here, to,
                       (int32_t *)canvas->spare, width, k);
        else
            memcpy(to, here, (size_t)width);
        uint32_t offset = (uint32_t)tl_mix64(frame * 10007u + (uint64_t)y) & NOISE_MASK;
        for (int x = 0; amplitude && x < width;) {
            int run = NOISE_MASK + 1 - (int)offset < width - x ? NOISE_MASK + 1 - (int)offset : width - x;
            add_noise(to + x, canvas->noise + offset, run, amplitude);
            x += run;
            offset = 0;
        }
    }
    *picture = (TlPicture){.width = width,
                           .height = height,
                           .plane = {canvas->luma, canvas->chroma[0], canvas->chroma[1]},
                           .stride = {canvas->stride, canvas->chroma_stride, canvas->chroma_stride}};
}
