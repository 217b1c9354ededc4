// Painted lines in the luma: where the picture shows the lines that a view says are there.
//
// In: pitch model, picture, view. Out: measurements for the solver, one per place where a narrow bright ridge lies
// across the expected line with grass on both sides. Method: the model's lines are walked on the ground, projected, and
// searched along their normals, as in model-based tracking (Harris & Stennett's RAPID, 1990; Drummond & Cipolla, 2002).
// A profile is averaged over a few pixels along the line, which keeps faint far lines and drops grass texture. What is
// wider than a line (kits, boards), one-sided (mowing stripes, shadows) or not beside grass-coloured ground is no hit.
#include "pitch/solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROFILE_MAX = 129, // samples of a profile, odd
    SEGMENTS_MAX = 160,
    GRASS_GRID = 24
};

#define LINE_WIDTH_M     0.12
#define WALK_STEP_M      0.5
#define SPACING_SHARE    0.011 // of the width, between two searched places
#define BLUR_PX          1.6   // the least width that a camera and a codec leave of a line
#define CONTRAST_LEAST   3.0F  // luma steps
#define CHROMA_TOLERANCE 16
#define FULL_LINE_HITS   12.0 // a line with more hits does not weigh more

// Everything that stays the same over the places of one picture.
typedef struct Search {
    const TlPicture *picture;
    double g[9], lens;
    int width, height;
    double reach_px;
    int grass_u, grass_v; ///< median chroma of the visible pitch, -1 when there is no chroma
} Search;

typedef struct Place {
    double x, y;    // ground
    double u, v;    // picture
    double nx, ny;  // normal in the picture
    double line_px; // how wide the line is there
} Place;

static int see(const Search *s, double x, double y, double *u, double *v)
{
    double sx, sy;
    return tl_see(s->g, x, y, &sx, &sy) || tl_lens_bend(s->lens, s->width, s->height, sx, sy, u, v) ? -1 : 0;
}

static inline float luma(const TlPicture *p, double x, double y)
{
    // Pixel centres lie at halves.
    x -= 0.5;
    y -= 0.5;
    int ix = (int)x, iy = (int)y;
    float fx = (float)(x - ix), fy = (float)(y - iy);
    const uint8_t *row = p->plane[0] + (ptrdiff_t)iy * p->stride[0] + ix, *below = row + p->stride[0];
    float above = row[0] + fx * (float)(row[1] - row[0]), under = below[0] + fx * (float)(below[1] - below[0]);
    return above + fy * (under - above);
}

static double hypot2(double x, double y)
{
    return x * x + y * y;
}

static int inside(const Search *s, double x, double y, double margin)
{
    return x >= margin && y >= margin && x < s->width - margin && y < s->height - margin;
}

static int median_of(const int histogram[256], int total)
{
    int sum = 0, i = 0;
    while (i < 255 && (sum += histogram[i]) * 2 < total)
        i++;
    return i;
}

// The colour of this pitch in this light: median chroma of a grid of places on the ground.
static void learn_grass(const TlPitchModel *model, const TlPitchView *view, Search *s)
{
    int u_count[256] = {0}, v_count[256] = {0}, total = 0;
    const TlPicture *p = s->picture;
    s->grass_u = s->grass_v = -1;
    if (!p->plane[1] || !p->plane[2])
        return;
    for (int i = 0; i < GRASS_GRID * GRASS_GRID; i++) {
        int column = i % GRASS_GRID, row = i / GRASS_GRID;
        double x = s->width * (column + 0.5) / GRASS_GRID, y = s->height * (row + 0.5) / GRASS_GRID;
        double gx, gy;
        if (tl_view_ground(view, x, y, &gx, &gy) || gx < 0 || gy < 0 || gx > model->length_m || gy > model->width_m)
            continue;
        u_count[p->plane[1][(ptrdiff_t)((int)y / 2) * p->stride[1] + (int)x / 2]]++;
        v_count[p->plane[2][(ptrdiff_t)((int)y / 2) * p->stride[2] + (int)x / 2]]++;
        total++;
    }
    if (total) {
        s->grass_u = median_of(u_count, total);
        s->grass_v = median_of(v_count, total);
    }
}

static int grass_at(const Search *s, double x, double y)
{
    if (s->grass_u < 0)
        return 1;
    const TlPicture *p = s->picture;
    int u = p->plane[1][(ptrdiff_t)((int)y / 2) * p->stride[1] + (int)x / 2];
    int v = p->plane[2][(ptrdiff_t)((int)y / 2) * p->stride[2] + (int)x / 2];
    return abs(u - s->grass_u) + abs(v - s->grass_v) <= CHROMA_TOLERANCE;
}

// Mean luma along the normal at steps of one pixel, over five pixels along the line.
typedef struct Profile {
    int count, middle;          ///< samples, and which of them is the expected place
    float sum[PROFILE_MAX + 1]; ///< running sum
} Profile;

// Cut where the picture ends; -1 when not even the line and its sides would fit.
static int profile_at(const Search *s, const Place *place, int reach, int need, Profile *profile)
{
    int from = -reach, to = reach;
    double step_x = -2 * place->ny, step_y = 2 * place->nx;
    while (from < -need && !inside(s, place->u + from * place->nx, place->v + from * place->ny, 4))
        from++;
    while (to > need && !inside(s, place->u + to * place->nx, place->v + to * place->ny, 4))
        to--;
    if (!inside(s, place->u + from * place->nx, place->v + from * place->ny, 4) ||
        !inside(s, place->u + to * place->nx, place->v + to * place->ny, 4))
        return -1;
    profile->count = to - from + 1;
    profile->middle = -from;
    profile->sum[0] = 0;
    for (int i = from; i <= to; i++) {
        double x = place->u + i * place->nx, y = place->v + i * place->ny;
        float sum = luma(s->picture, x, y) + luma(s->picture, x + step_x, y + step_y) +
                    luma(s->picture, x - step_x, y - step_y);
        profile->sum[i - from + 1] = profile->sum[i - from] + sum / 3;
    }
    return 0;
}

static float mean(const Profile *p, int from, int to)
{
    return (p->sum[to + 1] - p->sum[from]) / (float)(to - from + 1);
}

// Typical change over two samples: texture and noise of the grass. Median, counted in quarter steps.
static float roughness(const Profile *p)
{
    int bins[64] = {0}, sum = 0, i = 0;
    for (int k = 2; k < p->count; k++) {
        float change = fabsf(mean(p, k, k) - mean(p, k - 2, k - 2)) * 4;
        bins[change < 63 ? (int)change : 63]++;
    }
    while (i < 63 && (sum += bins[i]) * 2 < p->count - 2)
        i++;
    return ((float)i + 0.5F) / 4;
}

// Offset of the ridge from the expected place, px. -1 when there is none, or two alike.
static int ridge(const Profile *p, double line_px, double *offset)
{
    int half = (int)((line_px - 1) / 2 + 0.5), gap = half + 2, side = 2, at = -1;
    float best = 0, second = 0, response[PROFILE_MAX];
    for (int i = gap + side; i < p->count - gap - side; i++) {
        float left = mean(p, i - gap - side, i - gap), right = mean(p, i + gap, i + gap + side);
        response[i] = mean(p, i - half, i + half) - (left > right ? left : right);
        if (response[i] > best) {
            best = response[i];
            at = i;
        }
    }
    if (at < 0 || best < CONTRAST_LEAST + 1.5F * roughness(p))
        return -1;
    for (int i = gap + side; i < p->count - gap - side; i++)
        if (abs(i - at) > gap + 1)
            second = response[i] > second ? response[i] : second;
    if (second > 0.7F * best)
        return -1;
    // Centre of what stands out of the grass.
    float base = fmaxf(mean(p, at - gap - side, at - gap), mean(p, at + gap, at + gap + side)), sum = 0, moment = 0;
    for (int i = at - gap; i <= at + gap; i++) {
        float above = mean(p, i, i) - base - 0.25F * best;
        if (above > 0) {
            sum += above;
            moment += above * (float)(i - at);
        }
    }
    *offset = at - p->middle + (sum > 0 ? moment / sum : 0);
    return 0;
}

// Normal and width of the line at a place whose u and v are known. -1 when it cannot be seen well.
static int across_line(const Search *s, double dx, double dy, Place *place)
{
    double u, v, across_u, across_v;
    if (see(s, place->x + 0.2 * dx, place->y + 0.2 * dy, &u, &v) ||
        see(s, place->x - 0.2 * dy, place->y + 0.2 * dx, &across_u, &across_v))
        return -1;
    double length = hypot(u - place->u, v - place->v);
    if (!(length > 0.2)) // seen end on
        return -1;
    place->nx = -(v - place->v) / length;
    place->ny = (u - place->u) / length;
    double across = fabs((across_u - place->u) * place->nx + (across_v - place->v) * place->ny) / 0.2;
    place->line_px = LINE_WIDTH_M * across;
    return place->line_px < 0.02 * s->width ? 0 : -1;
}

static int search_at(const Search *s, const Place *place, TlObservation *hit)
{
    double line_px = fmax(place->line_px, BLUR_PX), offset, beside = line_px / 2 + 3.5;
    int need = (int)(line_px / 2) + 6, reach = (int)ceil(s->reach_px) + need;
    Profile profile;
    if (reach > PROFILE_MAX / 2)
        reach = PROFILE_MAX / 2;
    if (need > reach || profile_at(s, place, reach, need, &profile) || ridge(&profile, line_px, &offset))
        return -1;
    double u = place->u + offset * place->nx, v = place->v + offset * place->ny;
    if (fabs(offset) > s->reach_px || !grass_at(s, u + beside * place->nx, v + beside * place->ny) ||
        !grass_at(s, u - beside * place->nx, v - beside * place->ny))
        return -1;
    *hit = (TlObservation){.x = place->x, .y = place->y, .u = u, .v = v, .nx = place->nx, .ny = place->ny};
    return 0;
}

// Walks one line (pieces from..to of it) and appends its hits; returns how many places were looked at.
static int walk(const Search *s, double (*pieces)[4], int from, int to, TlObservation *out, int *n, int max)
{
    double spacing = SPACING_SHARE * s->width, last_u = -1e9, last_v = -1e9;
    int looked = 0, first = *n;
    for (int i = from; i < to; i++) {
        const double *p = pieces[i];
        double length = hypot(p[2] - p[0], p[3] - p[1]), dx = (p[2] - p[0]) / length, dy = (p[3] - p[1]) / length;
        int steps = (int)ceil(length / WALK_STEP_M);
        for (int k = 0; k < steps && *n < max; k++) {
            double at = length * (k + 0.5) / steps;
            Place place = {.x = p[0] + at * dx, .y = p[1] + at * dy};
            if (see(s, place.x, place.y, &place.u, &place.v) || !inside(s, place.u, place.v, 6) ||
                hypot2(place.u - last_u, place.v - last_v) < spacing * spacing || across_line(s, dx, dy, &place))
                continue;
            last_u = place.u;
            last_v = place.v;
            looked++;
            *n += !search_at(s, &place, &out[*n]);
        }
    }
    // Neighbours on a line err together: a long line must not outvote the rest.
    for (int i = first; i < *n; i++)
        out[i].weight = fmin(1, FULL_LINE_HITS / (*n - first));
    return looked;
}

int tl_line_observe(const TlPitchModel *model, const TlPicture *picture, const TlPitchView *view, double reach_px,
                    TlObservation *out, int max, int *looked)
{
    double pieces[SEGMENTS_MAX][4];
    int count = tl_pitch_segments(model, pieces, SEGMENTS_MAX), n = 0;
    Search search = {
        .picture = picture, .lens = view->lens, .width = view->width, .height = view->height, .reach_px = reach_px};

    *looked = 0;
    if (picture->width != view->width || picture->height != view->height || count > SEGMENTS_MAX ||
        tl_homography_invert(view->straight, search.g) || tl_orient(search.g))
        return 0;
    learn_grass(model, view, &search);
    for (int i = 0; i < count;) {
        // Pieces of a curve follow each other end to end and turn little; they count as one line.
        int end = i + 1;
        while (end < count && pieces[end][0] == pieces[end - 1][2] && pieces[end][1] == pieces[end - 1][3] &&
               hypot(pieces[end][2] - pieces[end][0], pieces[end][3] - pieces[end][1]) < 1.5)
            end++;
        *looked += walk(&search, pieces, i, end, out, &n, max);
        i = end;
    }
    return n;
}
