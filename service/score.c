// Putting the parts together. In: a checked answer; out: parts, an estimate of the keypoint score, ceilings.
#include "score.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "score_internal.h"

static const double LIMIT_S = 15;
static const double RIVALS_S[TL_RIVAL_COUNT] = {1, 2, 3, 5, 8};
static const char *const NAMES[TL_SCORE_PART_COUNT] = {"coverage", "boxes",     "homography",  "fit",   "on_line",
                                                       "inside",   "stability", "consistency", "scale", "players"};

void tl_score_set(TlScoreJob *job, int part, double value, const char *fmt, ...)
{
    TlScorePart *p = &job->score->part[part];
    va_list args;
    p->value = value < 0 ? -1 : value > 1 ? 1 : value;
    va_start(args, fmt);
    vsnprintf(p->why, sizeof p->why, fmt, args);
    va_end(args);
}

double tl_score_logistic(double distance)
{
    return 1 / (1 + exp((distance - 0.02) / 0.0037));
}

double tl_score_speed(double seconds, double fastest)
{
    if (seconds >= LIMIT_S)
        return 0;
    if (seconds <= fastest || fastest >= LIMIT_S)
        return 1;
    return exp(-5 * (seconds - fastest) / (LIMIT_S - fastest));
}

int tl_score_box_counts(const TlAnswerObject *object)
{
    double width = object->bbox[2] - object->bbox[0], height = object->bbox[3] - object->bbox[1];
    if (object->class_id != TL_CLASS_BALL && (width < 15 || height < 40))
        return 0;
    return object->bbox[1] > 150;
}

static double value_of(const TlScore *score, int part)
{
    return score->part[part].value;
}

static void combine(TlScoreJob *job)
{
    TlScore *s = job->score;
    double on_line = value_of(s, TL_SCORE_ON_LINE);
    double sum = 0.25 * value_of(s, TL_SCORE_FIT) + 0.40 * (on_line < 0 ? 0.5 : on_line) +
                 0.20 * value_of(s, TL_SCORE_INSIDE) + 0.05 * value_of(s, TL_SCORE_STABILITY) +
                 0.10 * value_of(s, TL_SCORE_PLAYERS);
    s->keypoints =
        sum * value_of(s, TL_SCORE_CONSISTENCY) * (value_of(s, TL_SCORE_SCALE) + value_of(s, TL_SCORE_HOMOGRAPHY)) / 2;
    s->boxes_ceiling = value_of(s, TL_SCORE_COVERAGE) * value_of(s, TL_SCORE_BOXES);
    if (job->answer->faults.void_points)
        s->keypoints = 0;
    if (job->answer->faults.no_number || job->answer->faults.no_list)
        s->keypoints = s->boxes_ceiling = 0;
    for (int i = 0; i < TL_RIVAL_COUNT; i++) {
        s->rival_s[i] = RIVALS_S[i];
        s->speed[i] = s->has_seconds && s->boxes_ceiling > 0.2 ? tl_score_speed(job->params->seconds, RIVALS_S[i]) : 0;
        s->final_ceiling[i] = 0.65 * (0.5 * s->boxes_ceiling + 0.5 * s->keypoints) + 0.35 * s->speed[i];
    }
}

int tl_score(const TlAnswer *answer, const TlScoreParams *params, TlScore *score, TlDiag *diag)
{
    TlScoreJob job = {answer, params, params->frames, score};
    memset(score, 0, sizeof *score);
    if (job.expected <= 0 && answer->frame_count > 0)
        job.expected = answer->frames[answer->frame_count - 1].number + 1;
    for (int i = 0; i < TL_SCORE_PART_COUNT; i++)
        score->part[i].name = NAMES[i];
    score->has_seconds = params->seconds > 0;
    tl_score_boxes(&job);
    tl_score_points(&job);
    tl_score_players(&job);
    int ret = TL_OK;
    if (params->video)
        ret = tl_score_lines(&job, diag);
    else
        tl_score_set(&job, TL_SCORE_ON_LINE, -1, "not measured: needs --video; counted as 0.5 below");
    combine(&job);
    return ret;
}
