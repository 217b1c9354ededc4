// The 32 pitch points and the painted lines in metres.
//
// In: length and width of the pitch. Out: points in the order of the subnet protocol (and of the Roboflow pitch), and
// all painted lines as straight pieces. Places are those of the Laws of the Game (IFAB, law 1): length and width only
// move the outer and the halfway line; penalty area 16.5 x 40.32, goal area 5.5 x 18.32, spot 11, circle and arcs 9.15
// m stay. The centimetre table of the protocol is a drawing that no real pitch follows and is not used here. Measured
// on labelled frames, points 10, 11, 18, 19 are where the penalty arc meets the penalty-area line.
#include "pitch/pitch.h"

#include <math.h>

#define PENALTY_DEPTH 16.5
#define PENALTY_HALF  20.16
#define GOAL_DEPTH    5.5
#define GOAL_HALF     9.16
#define SPOT          11.0
#define RADIUS        9.15

enum { CIRCLE_PIECES = 64, ARC_PIECES = 18 }; // chords leave the true arc by 1 cm at most

const int tl_pitch_mirror[TL_POINT_COUNT] = {24, 25, 26, 27, 28, 29, 22, 23, 21, 17, 18, 19, 20, 13, 14, 15,
                                             16, 9,  10, 11, 12, 8,  6,  7,  0,  1,  2,  3,  4,  5,  31, 30};

static void set(TlPitchModel *model, int index, double x, double y)
{
    model->point[index][0] = x;
    model->point[index][1] = y;
}

void tl_pitch_model_init(TlPitchModel *model, double length_m, double width_m)
{
    double length = isfinite(length_m) && length_m > 0 ? length_m : 105.0;
    double width = isfinite(width_m) && width_m > 0 ? width_m : 68.0;
    double middle = width / 2;
    double chord = sqrt(RADIUS * RADIUS - (PENALTY_DEPTH - SPOT) * (PENALTY_DEPTH - SPOT));

    model->length_m = length;
    model->width_m = width;
    set(model, 0, 0, 0);
    set(model, 1, 0, middle - PENALTY_HALF);
    set(model, 2, 0, middle - GOAL_HALF);
    set(model, 3, 0, middle + GOAL_HALF);
    set(model, 4, 0, middle + PENALTY_HALF);
    set(model, 5, 0, width);
    set(model, 6, GOAL_DEPTH, middle - GOAL_HALF);
    set(model, 7, GOAL_DEPTH, middle + GOAL_HALF);
    set(model, 8, SPOT, middle);
    set(model, 9, PENALTY_DEPTH, middle - PENALTY_HALF);
    set(model, 10, PENALTY_DEPTH, middle - chord);
    set(model, 11, PENALTY_DEPTH, middle + chord);
    set(model, 12, PENALTY_DEPTH, middle + PENALTY_HALF);
    set(model, 13, length / 2, 0);
    set(model, 14, length / 2, middle - RADIUS);
    set(model, 15, length / 2, middle + RADIUS);
    set(model, 16, length / 2, width);
    set(model, 30, length / 2 - RADIUS, middle);
    set(model, 31, length / 2 + RADIUS, middle);
    for (int i = 0; i <= 12; i++) // the right half is the left one mirrored
        set(model, tl_pitch_mirror[i], length - model->point[i][0], model->point[i][1]);
}

// Collects pieces; counts on past max so that the caller learns the full number.
typedef struct Pieces {
    double (*out)[4];
    int count, max;
} Pieces;

static void add(Pieces *pieces, double x1, double y1, double x2, double y2)
{
    if (pieces->out && pieces->count < pieces->max) {
        double *piece = pieces->out[pieces->count];
        piece[0] = x1, piece[1] = y1, piece[2] = x2, piece[3] = y2;
    }
    pieces->count++;
}

// Part of a circle of 9.15 m from angle `from` over `sweep` radians.
static void add_arc(Pieces *pieces, double cx, double cy, double from, double sweep, int n)
{
    for (int i = 0; i < n; i++) {
        double a = from + sweep * i / n, b = from + sweep * (i + 1) / n;
        add(pieces, cx + RADIUS * cos(a), cy + RADIUS * sin(a), cx + RADIUS * cos(b), cy + RADIUS * sin(b));
    }
}

// An open box at the goal line x0; depth is signed, into the pitch.
static void add_box(Pieces *pieces, double x0, double middle, double depth, double half)
{
    double x1 = x0 + depth;
    add(pieces, x0, middle - half, x1, middle - half);
    add(pieces, x1, middle - half, x1, middle + half);
    add(pieces, x1, middle + half, x0, middle + half);
}

double tl_pitch_outside_m(const TlPitchModel *model, double x, double y)
{
    double dx = fmax(fmax(-x, x - model->length_m), 0), dy = fmax(fmax(-y, y - model->width_m), 0);
    return hypot(dx, dy);
}

int tl_pitch_segments(const TlPitchModel *model, double (*segments)[4], int max)
{
    Pieces pieces = {segments, 0, max};
    double length = model->length_m, width = model->width_m, middle = width / 2;
    double half_angle = acos((PENALTY_DEPTH - SPOT) / RADIUS);

    add(&pieces, 0, 0, length, 0);
    add(&pieces, length, 0, length, width);
    add(&pieces, length, width, 0, width);
    add(&pieces, 0, width, 0, 0);
    add(&pieces, length / 2, 0, length / 2, width);
    for (int side = 0; side < 2; side++) {
        double x0 = side ? length : 0, inwards = side ? -1 : 1;
        add_box(&pieces, x0, middle, inwards * PENALTY_DEPTH, PENALTY_HALF);
        add_box(&pieces, x0, middle, inwards * GOAL_DEPTH, GOAL_HALF);
        add_arc(&pieces, x0 + inwards * SPOT, middle, (side ? M_PI : 0) - half_angle, 2 * half_angle, ARC_PIECES);
    }
    add_arc(&pieces, length / 2, middle, 0, 2 * M_PI, CIRCLE_PIECES);
    return pieces.count;
}
