// Boxes and players. In: a checked answer; out: the parts COVERAGE, BOXES and PLAYERS.
#include <math.h>

#include "score_internal.h"

static const double MEAN_AREA = 0.015, TOTAL_AREA = 0.15; // shares of the picture that cost nothing
static const double CUT_PX = 20, SPEED_PX = 30, SMALL_PX = 2, MEDIUM_PX = 10;

// 1 while boxes are of a sensible size together, then falling exponentially.
static double area_factor(const TlScoreJob *job, double area, int boxes)
{
    double picture = (double)job->params->width * job->params->height;
    if (boxes == 0 || picture <= 0)
        return 1;
    double mean = area / boxes / picture, total = area / picture, factor = 1;
    if (mean > MEAN_AREA)
        factor *= exp(-(mean - MEAN_AREA) / MEAN_AREA);
    if (total > TOTAL_AREA)
        factor *= exp(-(total - TOTAL_AREA) / TOTAL_AREA);
    return factor;
}

void tl_score_boxes(TlScoreJob *job)
{
    int64_t with_object = 0, left_empty = 0, dropped = 0, all = 0, balls = 0;
    double sum = 0;
    for (int64_t i = 0; i < job->answer->frame_count; i++) {
        const TlAnswerFrame *frame = &job->answer->frames[i];
        double area = 0;
        int kept = 0, frame_balls = 0;
        for (int j = 0; j < frame->object_count; j++) {
            const TlAnswerObject *o = &frame->objects[j];
            if (!tl_score_box_counts(o))
                continue;
            area += (o->bbox[2] - o->bbox[0]) * (o->bbox[3] - o->bbox[1]);
            frame_balls += o->class_id == TL_CLASS_BALL;
            kept++;
        }
        all += frame->object_count;
        dropped += frame->object_count - kept;
        balls += frame_balls > 1 ? frame_balls - 1 : 0;
        with_object += frame->object_count > 0;
        left_empty += frame->object_count > 0 && kept == 0;
        sum += kept ? area_factor(job, area, kept) : 0;
    }
    double share = job->expected > 0 ? (double)with_object / (double)job->expected : 0;
    tl_score_set(job, TL_SCORE_COVERAGE, share / 0.7,
                 "%lld of %lld frame%s answered, %lld with an object; below 70 %% the box score shrinks",
                 (long long)job->answer->frame_count, (long long)job->expected, job->expected == 1 ? "" : "s",
                 (long long)with_object);
    tl_score_set(job, TL_SCORE_BOXES, with_object ? sum / (double)with_object : 0,
                 "%lld of %lld box%s %s not count (under 15x40 px or in the top 150 px), %lld frame%s all; %lld "
                 "ball%s beyond the first of a frame count%s as wrong; classes are not judged here",
                 (long long)dropped, (long long)all, all == 1 ? "" : "es", dropped == 1 ? "does" : "do",
                 (long long)left_empty, left_empty == 1 ? " loses" : "s lose", (long long)balls, balls == 1 ? "" : "s",
                 balls == 1 ? "s" : "");
}

// --- players

static const TlAnswerObject *find_player(const TlAnswerFrame *frame, int64_t id)
{
    for (int i = 0; i < frame->object_count; i++)
        if (frame->objects[i].class_id == TL_CLASS_PLAYER && frame->objects[i].has_id && frame->objects[i].id == id)
            return &frame->objects[i];
    return NULL;
}

static double moved(const TlAnswerObject *a, const TlAnswerObject *b)
{
    return hypot((a->bbox[0] + a->bbox[2] - b->bbox[0] - b->bbox[2]) / 2,
                 (a->bbox[1] + a->bbox[3] - b->bbox[1] - b->bbox[3]) / 2);
}

typedef struct Moves {
    int64_t all, implausible, small, medium, large;
    int64_t cuts;
} Moves;

// Moves from one answered frame to the next; a frame where half the players jump is taken for a cut.
static void count_moves(const TlAnswerFrame *before, const TlAnswerFrame *now, Moves *moves)
{
    int64_t players = 0, jumps = 0, all = 0, fast = 0;
    for (int i = 0; i < now->object_count; i++) {
        const TlAnswerObject *o = &now->objects[i], *p;
        if (o->class_id != TL_CLASS_PLAYER)
            continue;
        players++;
        if (!o->has_id || !(p = find_player(before, o->id)))
            continue;
        double px = moved(o, p);
        all++;
        jumps += px > CUT_PX;
        fast += px > SPEED_PX;
        moves->small += px <= SMALL_PX;
        moves->medium += px > SMALL_PX && px <= MEDIUM_PX;
        moves->large += px > MEDIUM_PX;
    }
    if (players > 0 && 2 * jumps >= players) {
        moves->cuts++;
        return;
    }
    if (now->number - before->number > 2)
        return;
    moves->all += all;
    moves->implausible += fast;
}

void tl_score_players(TlScoreJob *job)
{
    Moves m = {0};
    for (int64_t i = 1; i < job->answer->frame_count; i++)
        count_moves(&job->answer->frames[i - 1], &job->answer->frames[i], &m);
    int64_t steps = m.small + m.medium + m.large;
    double plausible = m.all ? 1 - (double)m.implausible / (double)m.all : 0.5;
    double jump = steps ? ((double)m.small + 0.5 * (double)m.medium + (double)m.large) / (double)steps : 0;
    tl_score_set(
        job, TL_SCORE_PLAYERS, (plausible + jump) / 2,
        "%lld of %lld move%s %s longer than 30 px; %lld move%s of 2 to 10 px count%s half (a panning camera makes "
        "them); %lld frame%s",
        (long long)m.implausible, (long long)m.all, m.all == 1 ? "" : "s", m.implausible == 1 ? "is" : "are",
        (long long)m.medium, m.medium == 1 ? "" : "s", m.medium == 1 ? "s" : "", (long long)m.cuts,
        m.cuts == 1 ? " looks like a cut" : "s look like cuts");
}
