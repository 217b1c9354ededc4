// Places on the pitch along a track.
//
// In: the sightings of a track, each put on the pitch through the camera of its key frame, with what an error of its
// box would move it there. Out: the place in any frame. Method: local linear regression over both sides (Cleveland
// 1979, LOWESS) with a weight for each sighting of 1 / variance, Huber's loss (1964) against boxes that end at
// somebody's knees, and a ridge on the speed, which says how fast one runs and keeps one or two sightings from being
// carried away. The loss is convex on purpose: its way moves evenly from frame to frame, while a redescending loss
// leaps from one set of sightings to another.
#include "fill/feet.h"

#include <math.h>
#include <stdlib.h>

enum { SAMPLE_MAX = 128, ROUNDS = 4 };

#define BRIDGE     0.42 // of the reach: sightings farther apart are joined by a straight line
#define EDGE_SHARE 0.04 // of the box height: usual error of its lower edge
#define BALL_SHARE 0.15 // of the ball's box: usual error of its centre
#define LEAST_M    0.1  // ... and no place is better than that
#define MOST_M     5.0  // a place that may be so far off says nothing
#define CUT_M      2.0  // feet below the picture
#define OUTLIER    2.0  // errors beside the way: sightings farther off count less and less

// How something moves.
typedef struct Gait {
    double reach_s;             // over which it goes straight on
    double usual_m_s, most_m_s; // its speed
} Gait;

static const Gait person = {TL_FEET_REACH_S, 5, 11};
static const Gait ball = {0.25, 20, 50}; // turns sharply

typedef struct Sample {
    double dt, place[2], weight, error;
} Sample;

static int stand(const TlPitchView *view, const float b[4], TlSight *sight)
{
    double x, y, above[2], height = (double)b[3] - b[1];
    tl_ground_pixel(b, sight->seen.class_id, &x, &y);
    int is_ball = sight->seen.class_id == TL_CLASS_BALL, is_cut = !is_ball && y > view->height - 2.0;
    double edge = height * (is_ball ? BALL_SHARE : EDGE_SHARE);
    if (tl_view_ground(view, x, y, &sight->ground[0], &sight->ground[1]) ||
        tl_view_ground(view, x, y - edge, &above[0], &above[1]))
        return 0;
    double error = hypot(sight->ground[0] - above[0], sight->ground[1] - above[1]);
    sight->error_m = hypot(error, is_cut ? CUT_M : LEAST_M);
    return sight->error_m < MOST_M; // false for NaN too
}

void tl_feet_stand(TlKeyFrame *key, const TlPitchView *view)
{
    for (int i = 0; i < key->count; i++)
        key->item[i].stands = view && stand(view, key->item[i].seen.bbox, &key->item[i]);
}

static void add(const TlSight *sight, double dt, double reach_s, Sample *sample, int *count)
{
    double variance = sight->error_m * sight->error_m;
    if (sight->stands)
        sample[(*count)++] = (Sample){.dt = dt,
                                      .place = {sight->ground[0], sight->ground[1]},
                                      .weight = tl_tricube(dt, reach_s) * (0.3 + (double)sight->seen.score) / variance,
                                      .error = sight->error_m};
}

// Sightings of a track around a frame, from one of them on to both sides.
static int gather(TlChain *chain, const Gait *gait, int64_t frame, int64_t from, Sample *out)
{
    int count = 0;
    for (int side = 0; side < 2; side++) {
        int64_t number;
        const TlSight *walk = tl_chain_sight(chain, from, &number);
        if (walk && side)
            walk = tl_chain_sight(chain, walk->next, &number);
        while (walk && count < SAMPLE_MAX / 2 * (side + 1)) {
            double dt = (double)(tl_chain_key(chain, number)->frame - frame) / chain->fps;
            if (fabs(dt) >= gait->reach_s)
                break;
            add(walk, dt, gait->reach_s, out, &count);
            walk = tl_chain_sight(chain, side ? walk->next : walk->prev, &number);
        }
    }
    return count;
}

// One weighted line through the samples.
static int fit_way(const Gait *gait, const Sample *sample, const double *weight, int n, double way[2][2])
{
    double s[3] = {0, 0, 1 / (gait->usual_m_s * gait->usual_m_s)}, b[2][2] = {{0}};
    for (int i = 0; i < n; i++) {
        double t = sample[i].dt;
        s[0] += weight[i];
        s[1] += weight[i] * t;
        s[2] += weight[i] * t * t;
        for (int k = 0; k < 2; k++) {
            b[k][0] += weight[i] * sample[i].place[k];
            b[k][1] += weight[i] * sample[i].place[k] * t;
        }
    }
    double det = s[0] * s[2] - s[1] * s[1];
    for (int k = 0; k < 2; k++) {
        way[k][0] = (s[2] * b[k][0] - s[1] * b[k][1]) / det;
        way[k][1] = (s[0] * b[k][1] - s[1] * b[k][0]) / det;
    }
    return det > 0 ? 0 : -1;
}

// Place and speed at a frame out of the track's sightings around it.
static int regress(TlChain *chain, const Gait *gait, int64_t frame, int64_t from, double way[2][2])
{
    Sample sample[SAMPLE_MAX];
    double weight[SAMPLE_MAX];
    int n = gather(chain, gait, frame, from, sample);
    for (int i = 0; i < n; i++)
        weight[i] = sample[i].weight;
    for (int round = 0; round < ROUNDS; round++) {
        if (fit_way(gait, sample, weight, n, way))
            return -1;
        for (int i = 0; i < n; i++) {
            const Sample *s = &sample[i];
            double off =
                hypot(way[0][0] + way[0][1] * s->dt - s->place[0], way[1][0] + way[1][1] * s->dt - s->place[1]);
            weight[i] = s->weight / fmax(off / (OUTLIER * s->error), 1);
        }
    }
    return hypot(way[0][1], way[1][1]) < gait->most_m_s ? 0 : -1; // NaN too
}

// Before the first or after the last sighting of a track: on at the speed it had there, as its box is.
static int beyond(TlChain *chain, const Gait *gait, int64_t frame, int64_t at, int64_t from, double place[2])
{
    double way[2][2], frames = (double)(frame - at);
    double seconds = copysign(tl_fading_way(fabs(frames), chain->fps), frames) / chain->fps;
    if (regress(chain, gait, at, from, way))
        return -1;
    for (int k = 0; k < 2; k++)
        place[k] = way[k][0] + seconds * way[k][1];
    return 0;
}

// Within a gap a line through what lies around it would swing; evenly from one end to the other it does not.
static int across(TlChain *chain, const Gait *gait, int64_t frame, const int64_t end[2], const int64_t sight[2],
                  double place[2])
{
    double from[2][2], to[2][2], whole = (double)(end[1] - end[0]), t = (double)(frame - end[0]) / whole;
    if (regress(chain, gait, end[0], sight[0], from) || regress(chain, gait, end[1], sight[1], to))
        return -1;
    for (int k = 0; k < 2; k++)
        place[k] = from[k][0] + t * (to[k][0] - from[k][0]);
    return hypot(to[0][0] - from[0][0], to[1][0] - from[1][0]) < gait->most_m_s * whole / chain->fps ? 0 : -1;
}

int tl_feet_place(TlChain *chain, int64_t frame, const TlChainBox *box, double place[2])
{
    int64_t number[2];
    double way[2][2];
    const TlSight *sight = tl_chain_sight(chain, box->sight, &number[0]), *next;
    if (!sight)
        return -1;
    const Gait *gait = sight->seen.class_id == TL_CLASS_BALL ? &ball : &person;
    int64_t end[2] = {tl_chain_key(chain, number[0])->frame, 0};
    next = tl_chain_sight(chain, sight->next, &number[1]);
    if (frame < end[0] || (frame > end[0] && !next))
        return beyond(chain, gait, frame, end[0], box->sight, place);
    if (frame > end[0]) {
        const int64_t ends[2] = {box->sight, sight->next};
        end[1] = tl_chain_key(chain, number[1])->frame;
        if ((double)(end[1] - end[0]) > BRIDGE * gait->reach_s * chain->fps)
            return across(chain, gait, frame, end, ends, place);
    }
    if (regress(chain, gait, frame, box->sight, way))
        return -1;
    place[0] = way[0][0];
    place[1] = way[1][0];
    return 0;
}
