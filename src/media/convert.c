// Conversion of the pictures that are not 8-bit 4:2:0 as they come: other pixel formats, another size than the first
// picture's (both by swscale), and rotated or mirrored ones (here: quarter turns are a copy in another order).
#include "media/convert.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

enum { BLOCK = 32 }; // of a transposition: source and target rows of a block fit the first-level cache

int tl_orientation(const int32_t *m)
{
    if (!m)
        return 0;
    // Shown x' = m0 x + m3 y, y' = m1 x + m4 y. A quarter turn has its weight off the diagonal.
    int64_t upright = llabs((int64_t)m[0]) + llabs((int64_t)m[4]), turned = llabs((int64_t)m[1]) + llabs((int64_t)m[3]);
    if (upright >= turned)
        return (m[0] < 0 ? TL_MIRROR_X : 0) | (m[4] < 0 ? TL_MIRROR_Y : 0);
    return TL_TRANSPOSE | (m[3] < 0 ? TL_MIRROR_X : 0) | (m[1] < 0 ? TL_MIRROR_Y : 0);
}

int tl_is_plain(const AVFrame *picture, int width, int height)
{
    if (picture->format != AV_PIX_FMT_YUV420P && picture->format != AV_PIX_FMT_YUVJ420P)
        return 0;
    // Upside-down pictures have negative strides.
    for (int i = 0; i < 3; i++)
        if (!picture->data[i] || picture->linesize[i] <= 0)
            return 0;
    return picture->width == width && picture->height == height;
}

// Target pixel (x, y) of a plane of width x height comes from the lying picture's pixel (y', x') or (x', y').
static void turn_plane(uint8_t *target, int target_stride, const uint8_t *source, int source_stride, int width,
                       int height, int orientation)
{
    ptrdiff_t step_x = orientation & TL_TRANSPOSE ? source_stride : 1;
    ptrdiff_t step_y = orientation & TL_TRANSPOSE ? 1 : source_stride;

    if (orientation & TL_MIRROR_X) {
        source += step_x * (width - 1);
        step_x = -step_x;
    }
    if (orientation & TL_MIRROR_Y) {
        source += step_y * (height - 1);
        step_y = -step_y;
    }
    for (int top = 0; top < height; top += BLOCK)
        for (int left = 0; left < width; left += BLOCK) {
            int bottom = top + BLOCK < height ? top + BLOCK : height;
            int right = left + BLOCK < width ? left + BLOCK : width;
            for (int y = top; y < bottom; y++) {
                const uint8_t *from = source + y * step_y;
                for (int x = left; x < right; x++)
                    target[(ptrdiff_t)y * target_stride + x] = from[x * step_x];
            }
        }
}

// The "yuvj" formats are full-range twins of the others.
static enum AVPixelFormat without_range(enum AVPixelFormat format, int *is_full)
{
    static const enum AVPixelFormat twins[][2] = {
        {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P}, {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P}, {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
        {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P},
    };

    for (size_t i = 0; i < sizeof twins / sizeof twins[0]; i++)
        if (format == twins[i][0]) {
            *is_full = 1;
            return twins[i][1];
        }
    return format;
}

// Both sides of YUV get the same range, so that full-range planes stay what they are; RGB becomes limited range.
static struct TlScalerKey scaler_key(const AVFrame *picture, int width, int height)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(picture->format);
    int is_full = picture->color_range == AVCOL_RANGE_JPEG, is_rgb = format && format->flags & AV_PIX_FMT_FLAG_RGB;
    enum AVPixelFormat from = without_range(picture->format, &is_full);

    return (struct TlScalerKey){picture->width, picture->height,   from, is_rgb || is_full, width,
                                height,         !is_rgb && is_full};
}

// sws_getCachedContext is not used: it makes a new context for every "yuvj" picture.
static int prepare_scaler(TlConverter *converter, const AVFrame *picture, int width, int height, TlDiag *diag)
{
    struct TlScalerKey key = scaler_key(picture, width, height);

    if (converter->scaler && !memcmp(&key, &converter->key, sizeof key))
        return TL_OK;
    sws_freeContext(converter->scaler);
    converter->scaler = NULL;
    if (!sws_isSupportedInput(key.from_format)) {
        const char *name = av_get_pix_fmt_name(key.from_format);
        return tl_fail(diag, TL_EFORMAT, "pictures of format %s cannot be converted", name ? name : "unknown");
    }
    converter->scaler =
        sws_getContext(key.from_width, key.from_height, key.from_format, width, height, AV_PIX_FMT_YUV420P,
                       SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
    if (!converter->scaler)
        return tl_fail(diag, TL_ENOMEM, "out of memory for converting pictures");
    const int *matrix = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(converter->scaler, matrix, key.from_full, matrix, key.to_full, 0, 1 << 16, 1 << 16);
    converter->key = key;
    return TL_OK;
}

static int scale_into(TlConverter *converter, const AVFrame *picture, uint8_t *const plane[4], const int stride[4],
                      int width, int height, TlDiag *diag)
{
    int ret = prepare_scaler(converter, picture, width, height, diag);

    if (ret < 0)
        return ret;
    int rows = sws_scale(converter->scaler, (const uint8_t *const *)picture->data, picture->linesize, 0,
                         picture->height, plane, stride);
    return rows == height ? TL_OK : tl_fail(diag, TL_EFORMAT, "a picture cannot be converted to 4:2:0");
}

static int allocate_lying(TlConverter *converter, int width, int height, TlDiag *diag)
{
    AVFrame *lying = converter->lying;

    if (lying && lying->width == width && lying->height == height)
        return TL_OK;
    av_frame_free(&converter->lying);
    lying = converter->lying = av_frame_alloc();
    if (lying) {
        lying->width = width;
        lying->height = height;
        lying->format = AV_PIX_FMT_YUV420P;
    }
    if (!lying || av_frame_get_buffer(lying, 0) < 0) {
        av_frame_free(&converter->lying);
        return tl_fail(diag, TL_ENOMEM, "out of memory for converting pictures");
    }
    return TL_OK;
}

// The lying picture as plain 4:2:0 of the size it has before it is turned.
static int lay_flat(TlConverter *converter, const AVFrame **picture, int width, int height, TlDiag *diag)
{
    if (tl_is_plain(*picture, width, height))
        return TL_OK;
    int ret = allocate_lying(converter, width, height, diag);
    if (ret >= 0)
        ret = scale_into(converter, *picture, converter->lying->data, converter->lying->linesize, width, height, diag);
    *picture = converter->lying;
    return ret;
}

static int convert_into(TlConverter *converter, const AVFrame *picture, int orientation, const TlPicture *target,
                        TlDiag *diag)
{
    uint8_t *plane[4] = {(uint8_t *)target->plane[0], (uint8_t *)target->plane[1], (uint8_t *)target->plane[2], NULL};
    int stride[4] = {target->stride[0], target->stride[1], target->stride[2], 0};
    int width = target->width, height = target->height;
    int is_transposed = (orientation & TL_TRANSPOSE) != 0;

    if (!orientation)
        return scale_into(converter, picture, plane, stride, width, height, diag);
    int ret = lay_flat(converter, &picture, is_transposed ? height : width, is_transposed ? width : height, diag);
    for (int i = 0; ret >= 0 && i < 3; i++)
        turn_plane(plane[i], stride[i], picture->data[i], picture->linesize[i], i ? (width + 1) / 2 : width,
                   i ? (height + 1) / 2 : height, orientation);
    return ret;
}

int tl_convert(TlConverter *converter, const AVFrame *picture, int orientation, TlFrame **out, TlDiag *diag)
{
    TlPicture target;

    *out = NULL;
    if (!converter->pool)
        converter->pool = tl_frame_pool_create(converter->width, converter->height);
    TlFrame *frame = converter->pool ? tl_frame_pool_acquire(converter->pool, &target) : NULL;
    if (!frame)
        return tl_fail(diag, TL_ENOMEM, "out of memory for a picture of %dx%d", converter->width, converter->height);
    int ret = convert_into(converter, picture, orientation, &target, diag);
    if (ret < 0)
        tl_frame_unref(&frame);
    *out = frame;
    return ret;
}

void tl_converter_deinit(TlConverter *converter)
{
    sws_freeContext(converter->scaler);
    av_frame_free(&converter->lying);
    tl_frame_pool_destroy(&converter->pool);
    *converter = (TlConverter){0};
}
