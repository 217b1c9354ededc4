// Who is who: pairs of predicted tracks and detections of a key frame.
//
// The price of a pair is its negative log likelihood under the Kalman filter (squared Mahalanobis distance of the
// centre plus log determinant, so that a track lost long ago with a wide gate cannot take the box of one that is surely
// there), plus the disagreement in size and class, less an overlap bonus. Unlike a pure IoU this still tells apart
// small fast players whose boxes do not overlap any more at stride 3 or 4. Staying alone costs a constant that stands
// for "missed here and born there" (Blackman & Popoli, Modern Tracking Systems, 6.3: score-based global nearest
// neighbour).
#include <math.h>

#include "base/mem.h"
#include "track/life.h"

enum { LOOKS_MIN = 2, LOOK_MISSES = 3 };

#define CAMERA_NOISE  0.04 // of the camera motion, box heights
#define SETTLED       1e-4 // determinant of a well-known centre, heights^4: where the log term is 0
#define SIZE_SIGMA    0.18 // of log height between prediction and detection
#define SIZE_LIMIT    0.6  // a box 1.8 times as high is somebody else
#define OVERLAP_BONUS 2.0
#define LOOK_PRICE    6.0
#define LOOK_LIMIT    10.0
#define LOOK_UNKNOWN  8.0
#define SPREAD_SHARE  0.6 // of the log determinant that counts: less than all, because hidden players come back
#define TAIL          4.0 // degrees of freedom of the distribution of centres

int tl_matcher_init(TlMatcher *matcher)
{
    matcher->assign = tl_assign_create(TL_TRACK_MAX, TL_DETECTION_MAX);
    matcher->cost = tl_calloc((size_t)TL_TRACK_MAX * TL_DETECTION_MAX, sizeof(double));
    if (matcher->assign && matcher->cost)
        return 0;
    tl_matcher_deinit(matcher);
    return -1;
}

void tl_matcher_deinit(TlMatcher *matcher)
{
    tl_assign_destroy(&matcher->assign);
    tl_free(&matcher->cost);
}

static double area(const float b[4])
{
    return ((double)b[2] - b[0]) * ((double)b[3] - b[1]);
}

static double intersection(const float a[4], const float b[4])
{
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    return w > 0 && h > 0 ? w * h : 0;
}

float tl_box_cover(const float a[4], const float b[4])
{
    double least = fmin(area(a), area(b));
    return least > 0 ? (float)(intersection(a, b) / least) : 0;
}

static double overlap(const float a[4], const float b[4])
{
    double both = intersection(a, b), all = area(a) + area(b) - both;
    return all > 0 ? both / all : 0;
}

static double class_price(const TlTrack *track, int class_id)
{
    if (class_id == track->class_id)
        return 0;
    double total = 0;
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        total += track->vote[c];
    return total > 0 ? 2.5 * (1.0 - track->vote[class_id] / total) : 0;
}

// What speaks against the same shirt.
static double look_price(const TlTrack *track, const uint8_t look[4])
{
    const double seen[3] = {look[0], look[1], look[2]};
    int returns = track->misses > LOOK_MISSES;
    if (track->looks < LOOKS_MIN)
        return 0;
    if (!look[3]) // covered or cut off by the picture's edge: no proof for somebody who has been away
        return returns ? LOOK_UNKNOWN : 0;
    double price = LOOK_PRICE * log(1 + tl_look_distance(track->look, seen) / 3);
    // A box may show somebody else's shirt for a moment; but nobody returns in another one.
    return returns ? price : fmin(price, LOOK_LIMIT);
}

// Infinite when the pair is out of the gate.
static double pair_price(const TlTrack *track, const float predicted[4], const TlDetections *detections, int index,
                         double gate)
{
    const TlDetection *d = &detections->item[index];
    const TlBoxFilter *f = &track->filter;
    double height = exp(f->log_h.x), dx = 0.5 * ((double)d->bbox[0] + d->bbox[2]) - f->cx.x;
    double dy = 0.5 * ((double)d->bbox[1] + d->bbox[3]) - f->cy.x;
    double far = 6.0 * height;
    if (fabs(dx) > far || fabs(dy) > far)
        return INFINITY;
    double centre = tl_noise_person.centre, noise = (centre * centre + CAMERA_NOISE * CAMERA_NOISE) * height * height;
    double sx = f->cx.pxx + noise, sy = f->cy.pxx + noise, distance = dx * dx / sx + dy * dy / sy;
    double size = log(fmax((double)d->bbox[3] - d->bbox[1], 0.5)) - f->log_h.x;
    if (!(distance <= gate) || fabs(size) > SIZE_LIMIT)
        return INFINITY;
    double h2 = height * height, spread = log(sx * sy / (h2 * h2 * SETTLED));
    size /= SIZE_SIGMA;
    // Student's t instead of a Gauss: now and then a box is well off, and that is still the same player.
    double likely = (TAIL + 2) * log(1 + distance / TAIL);
    return likely + SPREAD_SHARE * fmax(spread, 0) + 0.5 * size * size + class_price(track, d->class_id) +
           look_price(track, detections->look[index]) - OVERLAP_BONUS * overlap(predicted, d->bbox);
}

int tl_matcher_run(TlMatcher *m, TlTrack *tracks, int state, int max_misses, const TlDetections *detections,
                   unsigned char *use, int stage, const TlMatchParams *params)
{
    int rows = 0, cols = 0, pairs = 0;
    for (int i = 0; i < TL_TRACK_MAX; i++)
        if (tracks[i].state == state && tracks[i].detection < 0 && tracks[i].misses <= max_misses)
            m->row[rows++] = i;
    for (int k = 0; k < detections->count; k++)
        if (use[k] == stage)
            m->col[cols++] = k;
    if (rows == 0 || cols == 0)
        return 0;
    for (int r = 0; r < rows; r++) {
        const TlTrack *track = &tracks[m->row[r]];
        float predicted[4];
        tl_box_filter_box(&track->filter, predicted);
        for (int c = 0; c < cols; c++)
            m->cost[r * cols + c] = pair_price(track, predicted, detections, m->col[c], params->gate);
        m->miss[r] = params->miss;
    }
    tl_assign_solve(m->assign, m->cost, rows, cols, m->miss, m->taken, NULL);
    for (int r = 0; r < rows; r++) {
        if (m->taken[r] < 0)
            continue;
        tracks[m->row[r]].detection = m->col[m->taken[r]];
        use[m->col[m->taken[r]]] = 0;
        pairs++;
    }
    return pairs;
}
