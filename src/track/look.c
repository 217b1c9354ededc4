// Colours of shirts.
//
// In: the network's own input picture and the boxes found in it. Out: for each person the mean Y, U, V of the trunk,
// every cell weighted by how much of it lies there. At that size a shirt is a handful of pixels, which is enough to
// tell two teams and a referee apart, and costs nothing: no picture has to be kept or read again. It decides who is who
// after two players of different teams have crossed, and who wears neither team's kit (kits.c).
#include "track/look.h"

#include <math.h>
#include <string.h>

enum { CELL_MAX = 256 };

#define TRUNK_TOP    0.18 // of the box height: below the head
#define TRUNK_BOTTOM 0.50
#define TRUNK_SIDE   0.34 // of the box width that is left out on either side: arms, and the grass beside them
#define CELLS_MIN    1.5  // area of the trunk
#define COVERED      0.15 // of the trunk behind somebody else: his shirt is not seen
#define DOUBTFUL     0.5f // share of his own score below which somebody else hides nobody
#define HIMSELF      0.7f // overlap from which two boxes are one person
#define SIGMA_LUMA   22.0 // one shirt in sun and shade, near and far
#define SIGMA_CHROMA 7.0

typedef struct Trunk {
    double x1, y1, x2, y2; // source px
} Trunk;

static Trunk trunk_of(const float b[4])
{
    double w = (double)b[2] - b[0], h = (double)b[3] - b[1];
    return (Trunk){b[0] + TRUNK_SIDE * w, b[1] + TRUNK_TOP * h, b[2] - TRUNK_SIDE * w, b[1] + TRUNK_BOTTOM * h};
}

static int is_sane(const Trunk *t)
{
    return t->x2 > t->x1 && t->y2 > t->y1 && t->x1 > -65536 && t->y1 > -65536 && t->x2 < 65536 && t->y2 < 65536;
}

static int is_covered(const TlDetections *d, int self, const Trunk *t)
{
    for (int i = 0; i < d->count; i++) {
        const float *b = d->item[i].bbox;
        // Whoever stands nearer to the camera has his feet lower in the picture.
        if (i == self || d->item[i].class_id == TL_CLASS_BALL || b[3] < d->item[self].bbox[3] ||
            d->item[i].score < DOUBTFUL * d->item[self].score || tl_iou(b, d->item[self].bbox) > HIMSELF)
            continue;
        double w = fmin(t->x2, b[2]) - fmax(t->x1, b[0]), h = fmin(t->y2, b[3]) - fmax(t->y1, b[1]);
        if (w > 0 && h > 0 && w * h > COVERED * (t->x2 - t->x1) * (t->y2 - t->y1))
            return 1;
    }
    return 0;
}

static unsigned char to_byte(double v)
{
    return (unsigned char)(v > 0 ? v < 255 ? v + 0.5 : 255 : 0);
}

// One 2x2 cell of network pixels as Y, U, V.
static void cell_of(const TlTensor *input, int layout, int n, int x, int y, unsigned char yuv[3])
{
    size_t h = (size_t)input->dim[2], w = (size_t)input->dim[3];
    if (layout == TL_PRE_YUV_S2D) {
        const unsigned char *p = (const unsigned char *)input->data + ((size_t)n * 6 * h + (size_t)y) * w + (size_t)x;
        size_t plane = h * w;
        yuv[0] = (unsigned char)((p[0] + p[plane] + p[2 * plane] + p[3 * plane] + 2) / 4);
        yuv[1] = p[4 * plane];
        yuv[2] = p[5 * plane];
        return;
    }
    const float *p = (const float *)input->data + ((size_t)n * 3 * h + 2 * (size_t)y) * w + 2 * (size_t)x;
    double c[3];
    for (int k = 0; k < 3; k++, p += h * w)
        c[k] = 63.75 * ((double)p[0] + p[1] + p[w] + p[w + 1]);
    double luma = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
    yuv[0] = to_byte(luma);
    yuv[1] = to_byte(128 + 0.564 * (c[2] - luma));
    yuv[2] = to_byte(128 + 0.713 * (c[0] - luma));
}

static double share(double from, double to, int cell)
{
    return fmin(to, cell + 1) - fmax(from, cell);
}

static void measure(const TlTensor *input, int layout, int n, const TlLetterbox *box, const Trunk *t, uint8_t look[4])
{
    int columns = (int)(input->dim[3] / (layout == TL_PRE_YUV_S2D ? 1 : 2));
    int rows = (int)(input->dim[2] / (layout == TL_PRE_YUV_S2D ? 1 : 2));
    double x1 = (t->x1 * box->scale_x + box->offset_x) / 2, x2 = (t->x2 * box->scale_x + box->offset_x) / 2;
    double y1 = (t->y1 * box->scale_y + box->offset_y) / 2, y2 = (t->y2 * box->scale_y + box->offset_y) / 2;
    if (!(x1 >= 0 && y1 >= 0 && x2 <= columns && y2 <= rows) || (x2 - x1) * (y2 - y1) < CELLS_MIN)
        return;
    int step = 1; // large people: every so many cells is enough
    while (ceil((x2 - x1) / step) * ceil((y2 - y1) / step) > CELL_MAX)
        step++;
    double sum[3] = {0}, all = 0;
    for (int cy = (int)y1; cy < y2; cy += step)
        for (int cx = (int)x1; cx < x2; cx += step) {
            double weight = share(x1, x2, cx) * share(y1, y2, cy);
            unsigned char yuv[3];
            cell_of(input, layout, n, cx, cy, yuv);
            for (int k = 0; k < 3; k++)
                sum[k] += weight * yuv[k];
            all += weight;
        }
    for (int k = 0; k < 3; k++)
        look[k] = to_byte(sum[k] / all);
    look[3] = 1;
}

void tl_look_measure(const TlTensor *input, int layout, int n, const TlLetterbox *box, TlDetections *detections)
{
    int fits = input && input->data && input->rank == 4 && n >= 0 && n < input->dim[0] &&
               (layout == TL_PRE_YUV_S2D ? input->dtype == TL_DTYPE_U8 && input->dim[1] == 6
                                         : input->dtype == TL_DTYPE_F32 && input->dim[1] == 3);
    for (int i = 0; i < detections->count; i++) {
        const TlDetection *d = &detections->item[i];
        Trunk t = trunk_of(d->bbox);
        memset(detections->look[i], 0, sizeof detections->look[i]);
        if (fits && d->class_id != TL_CLASS_BALL && is_sane(&t) && !is_covered(detections, i, &t))
            measure(input, layout, n, box, &t, detections->look[i]);
    }
}

double tl_look_distance(const double a[3], const double b[3])
{
    double y = (a[0] - b[0]) / SIGMA_LUMA, u = (a[1] - b[1]) / SIGMA_CHROMA, v = (a[2] - b[2]) / SIGMA_CHROMA;
    return y * y + u * u + v * v;
}
