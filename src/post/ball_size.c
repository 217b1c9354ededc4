// The size of a ball, half by its own box, half by the people around it.
//
// A ball is a few pixels wide, so its own box is uncertain by a fifth; that of the people is not, and perspective makes
// both smaller alike. In: boxes of one picture. Out: each ball's box about the same centre, as large as the geometric
// mean of what the network said and of params->ball_share of the height of somebody whose feet are where the ball's
// lower edge is. That height is a straight line over the rows of the picture (exact for a level camera and a flat
// pitch), fitted to the people by weighted least squares with a slope that is held back: a group in one row gives none.
#include <math.h>

#include "post/decode.h"

enum { PEOPLE_LEAST = 5 };
static const float score_least = 0.3f;
static const float border = 2;              // px
static const double slope_rows = 0.02;      // of the height of the picture: spread of feet at which a slope counts half
static const double far_off[] = {0.6, 1.6}; // of the mean height: nobody is smaller or taller

typedef struct HeightLine {
    double mean, slope, row; ///< height px of somebody with feet at y: mean + slope * (y - row)
} HeightLine;

// What the edge of the picture cuts is of no known size.
static int is_cut(const float b[4], const TlLetterbox *box)
{
    return b[0] < border || b[1] < border || b[2] > (float)box->src_width - border ||
           b[3] > (float)box->src_height - border;
}

static int fit_heights(const TlDetections *in, const TlLetterbox *box, HeightLine *line)
{
    double n = 0, sum_y = 0, sum_h = 0, yy = 0, yh = 0;
    int people = 0;
    for (int i = 0; i < in->count; i++) {
        const TlDetection *d = &in->item[i];
        const float *b = d->bbox;
        if (d->class_id == TL_CLASS_BALL || d->score < score_least || is_cut(b, box))
            continue;
        double w = (double)d->score * d->score, y = b[3], h = b[3] - b[1];
        people++;
        n += w;
        sum_y += w * y;
        sum_h += w * h;
        yy += w * y * y;
        yh += w * y * h;
    }
    if (people < PEOPLE_LEAST)
        return 0;
    double hold = slope_rows * box->src_height;
    line->row = sum_y / n;
    line->mean = sum_h / n;
    line->slope = fmax(0, (yh - sum_y * line->mean) / (yy - sum_y * line->row + n * hold * hold));
    return 1;
}

void tl_ball_sizes(TlDetections *detections, const TlLetterbox *box, float share)
{
    HeightLine line;
    if (!(share > 0) || !fit_heights(detections, box, &line))
        return;
    for (int i = 0; i < detections->count; i++) {
        float *b = detections->item[i].bbox;
        if (detections->item[i].class_id != TL_CLASS_BALL || is_cut(b, box))
            continue;
        double height = line.mean + line.slope * (b[3] - line.row);
        double meant = share * fmin(fmax(height, far_off[0] * line.mean), far_off[1] * line.mean);
        double w = b[2] - b[0], h = b[3] - b[1], scale = sqrt(meant / sqrt(w * h));
        if (!(w * scale >= 1 && h * scale >= 1)) // people of a hostile network
            continue;
        float cx = 0.5f * (b[0] + b[2]), cy = 0.5f * (b[1] + b[3]);
        float dx = (float)(0.5 * w * scale), dy = (float)(0.5 * h * scale);
        b[0] = cx - dx;
        b[1] = cy - dy;
        b[2] = cx + dx;
        b[3] = cy + dy;
        tl_cut_to_picture(box, b);
    }
}
