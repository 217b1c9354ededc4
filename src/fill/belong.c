// Who belongs on the pitch.
//
// In: sightings of tracks through the camera of their key frame. Out: whether the track is shown. One sighting is
// weighed against all others of its track, the older ones less and less, because a box or a camera errs now and then.
// Or one box of a single picture; out: how much of its score to believe.
#include "fill/belong.h"

#include <math.h>

#define PERSON_OFF_M  3.0  // a foot farther outside belongs to a spectator, coach or ball boy
#define REFEREE_OFF_M 4.0  // assistants run along the line
#define NEAR_M        1.2  // players stand farther outside for a throw-in only
#define AWAY_S        8.0  // and not so long
#define GIANT_M       3.2  // a box of such a height holds no person but a piece of a board
#define PIXEL_M       0.5  // ground of which a pixel is more says nothing
#define FADE          0.97 // per key frame: somebody who steps onto the pitch is shown soon
#define BESIDE_M      1.0  // a ball that is mostly farther outside is a spare one or a mark of the technical area
#define BALL_FLIES_M  8.0  // a ball that seems farther off the pitch is in the air
#define MARK_M        0.8  // a ball so near to a penalty or the kick-off mark may be the mark

// Of a single picture, where nothing else speaks for a box; measured on labelled pictures (docs/models.md).
#define REFEREE_DOUBT_M 3.0
#define DOUBT_M         1.5 // a ball farther outside is a spare one, a person staff or a substitute
#define DOUBT_PX        3.0 // as much as a box may be off
#define ON_MARK_M       0.5
static const float OFF_SHARE = 0.5f, MARK_SHARE = 0.7f;

int tl_stands(const TlPitchView *view, double x, double y, double *gx, double *gy)
{
    return tl_view_ground(view, x, y, gx, gy) == 0 && isfinite(*gx) && isfinite(*gy) ? 0 : -1;
}

static double penalty_mark_m(const TlPitchModel *p, double x, double y)
{
    const double *left = p->point[8], *right = p->point[21];
    return fmin(hypot(x - left[0], y - left[1]), hypot(x - right[0], y - right[1]));
}

static int on_mark(const TlPitchModel *p, double x, double y)
{
    return penalty_mark_m(p, x, y) < MARK_M || hypot(x - 0.5 * p->length_m, y - 0.5 * p->width_m) < MARK_M;
}

// A spare ball, or a mark of the technical area. One that seems farther off is in the air.
static int is_beside(const TlPitchModel *p, double x, double y, double least_m)
{
    double outside = tl_pitch_outside_m(p, x, y);
    return outside > least_m && outside < BALL_FLIES_M;
}

// Seen from above a person is foreshortened, so no one looks higher than this. Pixels per metre across the line of
// sight: what a step in any direction moves a foot sideways at most.
static int is_giant(const TlPitchView *view, const float bbox[4], double gx, double gy)
{
    double x[2], y[2], across[2];
    for (int k = 0; k < 2; k++) {
        if (tl_view_picture(view, gx - 0.25 * (k == 0), gy - 0.25 * (k == 1), &x[0], &y[0]) ||
            tl_view_picture(view, gx + 0.25 * (k == 0), gy + 0.25 * (k == 1), &x[1], &y[1]))
            return 0;
        across[k] = (x[1] - x[0]) / 0.5;
    }
    return (double)bbox[3] - bbox[1] > GIANT_M * hypot(across[0], across[1]);
}

// How far one pixel moves the place of a foot at (x, y), infinite when nobody can tell: feet below the picture say
// nothing.
static double pixel_m(const TlPitchView *view, double x, double y, double gx, double gy)
{
    double next_x, next_y;
    if (y > view->height - 2.0 || tl_stands(view, x, y - 1, &next_x, &next_y))
        return INFINITY;
    return hypot(next_x - gx, next_y - gy);
}

// How far outside of where it belongs a person stands.
static double astray_m(const TlPitchModel *pitch, const TlPitchView *view, const float bbox[4], double gx, double gy)
{
    return is_giant(view, bbox, gx, gy) ? INFINITY : tl_pitch_outside_m(pitch, gx, gy);
}

int tl_belong_add(TlBelonging *b, const TlPitchModel *pitch, const TlPitchView *view, const TlTracked *t, int64_t frame,
                  double fps)
{
    double x, y, gx, gy;
    int off, is_ball = t->class_id == TL_CLASS_BALL, stands;
    tl_ground_pixel(t->bbox, t->class_id, &x, &y);
    stands = tl_stands(view, x, y, &gx, &gy) == 0;
    int can_tell = stands && !is_ball && pixel_m(view, x, y, gx, gy) <= PIXEL_M;
    double astray = can_tell ? astray_m(pitch, view, t->bbox, gx, gy) : -1;
    if (!b->is_judged || astray < NEAR_M)
        b->near = frame;
    else if ((double)(frame - b->judged) > fps) // what nobody saw counts for nothing
        b->near += frame - b->judged;
    b->judged = frame;
    b->is_judged = 1;
    if (!stands || (!is_ball && astray < 0))
        return 0;
    off = is_ball ? on_mark(pitch, gx, gy) || is_beside(pitch, gx, gy, BESIDE_M)
                  : astray > (t->class_id == TL_CLASS_REFEREE ? REFEREE_OFF_M : PERSON_OFF_M);
    b->on = b->on * (float)FADE + (off ? 0 : 1);
    b->off = b->off * (float)FADE + (off ? 1 : 0);
    return !off;
}

int tl_belong_is_shown(const TlBelonging *b, int class_id, double fps)
{
    if (class_id == TL_CLASS_BALL)
        return !(b->off >= 4 && b->off > 4 * b->on);
    if (class_id != TL_CLASS_REFEREE && (double)(b->judged - b->near) > AWAY_S * fps)
        return 0;
    return !(b->off + b->on >= 2 && b->off > 2 * b->on);
}

float tl_belong_share(const TlPitchModel *pitch, const TlPitchView *view, const float bbox[4], int class_id)
{
    double x, y, gx, gy;
    tl_ground_pixel(bbox, class_id, &x, &y);
    if (tl_stands(view, x, y, &gx, &gy))
        return 1;
    if (class_id != TL_CLASS_BALL) {
        double doubt =
            fmax(class_id == TL_CLASS_REFEREE ? REFEREE_DOUBT_M : DOUBT_M, DOUBT_PX * pixel_m(view, x, y, gx, gy));
        return astray_m(pitch, view, bbox, gx, gy) > doubt ? OFF_SHARE : 1;
    }
    if (penalty_mark_m(pitch, gx, gy) < ON_MARK_M)
        return MARK_SHARE;
    return is_beside(pitch, gx, gy, DOUBT_M) ? OFF_SHARE : 1;
}
