// Scores of tracking answers against truth: CLEAR MOT (Bernardin & Stiefelhagen 2008) and IDF1 (Ristani et al. 2016).
// Written for the tests on its own: the matching here shares no code with the library.
#ifndef TL_TESTS_SCORE_H
#define TL_TESTS_SCORE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCORE_TRUTH_MAX = 256, SCORE_ID_MAX = 4096 };

typedef struct ScoreBox {
    int id, class_id;
    float bbox[4];
} ScoreBox;

typedef struct Score {
    long frames, truth, answers, hits, switches;
    int truth_id[SCORE_TRUTH_MAX], truth_ids;
    int answer_id[SCORE_ID_MAX], answer_ids;
    int last[SCORE_TRUTH_MAX];  // answer slot that each truth had last, -1
    long (*both)[SCORE_ID_MAX]; // [truth slot][answer slot]: frames in which they overlap
    double iou_sum;
} Score;

static inline int score_slot(int *table, int *count, int max, int id)
{
    for (int i = 0; i < *count; i++)
        if (table[i] == id)
            return i;
    if (*count == max)
        abort();
    table[*count] = id;
    return (*count)++;
}

static inline void score_init(Score *s)
{
    memset(s, 0, sizeof *s);
    s->both = calloc(SCORE_TRUTH_MAX, sizeof *s->both);
    for (int i = 0; i < SCORE_TRUTH_MAX; i++)
        s->last[i] = -1;
}

static inline void score_deinit(Score *s)
{
    free(s->both);
    s->both = NULL;
}

// Rectangular Hungarian (rows <= cols) with potentials; column of each row.
static inline void score_assign(const double *cost, int rows, int cols, int *column)
{
    double *u = calloc((size_t)rows + 1, sizeof *u), *v = calloc((size_t)cols + 1, sizeof *v);
    double *least = calloc((size_t)cols + 1, sizeof *least);
    int *match = calloc((size_t)cols + 1, sizeof *match), *way = calloc((size_t)cols + 1, sizeof *way);
    char *used = calloc((size_t)cols + 1, 1);
    for (int i = 1; i <= rows; i++) {
        int j0 = 0;
        match[0] = i;
        for (int j = 0; j <= cols; j++) {
            least[j] = INFINITY;
            used[j] = 0;
        }
        do {
            int i0 = match[j0], j1 = 0;
            double delta = INFINITY;
            used[j0] = 1;
            for (int j = 1; j <= cols; j++) {
                if (used[j])
                    continue;
                double c = cost[(long)(i0 - 1) * cols + j - 1] - u[i0] - v[j];
                if (c < least[j]) {
                    least[j] = c;
                    way[j] = j0;
                }
                if (least[j] < delta) {
                    delta = least[j];
                    j1 = j;
                }
            }
            for (int j = 0; j <= cols; j++) {
                if (used[j]) {
                    u[match[j]] += delta;
                    v[j] -= delta;
                } else {
                    least[j] -= delta;
                }
            }
            j0 = j1;
        } while (match[j0] != 0);
        do {
            int j1 = way[j0];
            match[j0] = match[j1];
            j0 = j1;
        } while (j0);
    }
    for (int j = 1; j <= cols; j++)
        if (match[j])
            column[match[j] - 1] = j - 1;
    free(u);
    free(v);
    free(least);
    free(match);
    free(way);
    free(used);
}

static inline double score_iou(const float a[4], const float b[4])
{
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h /
           (((double)a[2] - a[0]) * ((double)a[3] - a[1]) + ((double)b[2] - b[0]) * ((double)b[3] - b[1]) - w * h);
}

static inline void score_frame(Score *s, const ScoreBox *truth, int n, const ScoreBox *answer, int m)
{
    enum { MAX = 160 };
    static double cost[MAX * MAX];
    int column[MAX], cols = n + m;
    s->frames++;
    s->truth += n;
    s->answers += m;
    if (n == 0 || cols > MAX)
        return;
    for (int i = 0; i < n; i++) {
        int t = score_slot(s->truth_id, &s->truth_ids, SCORE_TRUTH_MAX, truth[i].id);
        for (int k = 0; k < cols; k++)
            cost[i * cols + k] = 10;
        for (int k = 0; k < m; k++) {
            int a = score_slot(s->answer_id, &s->answer_ids, SCORE_ID_MAX, answer[k].id);
            double iou = score_iou(truth[i].bbox, answer[k].bbox);
            if (iou < 0.5)
                continue;
            s->both[t][a]++;
            cost[i * cols + k] = 1 - iou - (s->last[t] == a ? 5 : 0); // who matched before stays matched
        }
    }
    score_assign(cost, n, cols, column);
    for (int i = 0; i < n; i++) {
        if (cost[i * cols + column[i]] >= 10)
            continue;
        int t = score_slot(s->truth_id, &s->truth_ids, SCORE_TRUTH_MAX, truth[i].id);
        int a = score_slot(s->answer_id, &s->answer_ids, SCORE_ID_MAX, answer[column[i]].id);
        s->hits++;
        s->iou_sum += score_iou(truth[i].bbox, answer[column[i]].bbox);
        s->switches += s->last[t] >= 0 && s->last[t] != a;
        s->last[t] = a;
    }
}

static inline double score_mota(const Score *s)
{
    long misses = s->truth - s->hits, alarms = s->answers - s->hits;
    return 1 - (double)(misses + alarms + s->switches) / (double)(s->truth ? s->truth : 1);
}

static inline double score_idf1(const Score *s)
{
    int rows = s->truth_ids, cols = s->answer_ids + s->truth_ids;
    double *cost = calloc((size_t)rows * (size_t)cols + 1, sizeof *cost);
    int column[SCORE_TRUTH_MAX];
    long together = 0;
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < s->answer_ids; k++)
            cost[(long)i * cols + k] = -(double)s->both[i][k];
    score_assign(cost, rows, cols, column);
    for (int i = 0; i < rows; i++)
        if (column[i] < s->answer_ids)
            together += s->both[i][column[i]];
    free(cost);
    return 2.0 * (double)together / (double)(s->truth + s->answers ? s->truth + s->answers : 1);
}

static inline void score_print(const Score *s, const char *name)
{
    printf(
        "%-28s MOTA %.3f IDF1 %.3f IoU %.3f switches %.1f per 1000 frames, recall %.3f precision %.3f ids %d of %d\n",
        name, score_mota(s), score_idf1(s), s->iou_sum / (double)(s->hits ? s->hits : 1),
        1000.0 * (double)s->switches / (double)s->frames, (double)s->hits / (double)s->truth,
        (double)s->hits / (double)(s->answers ? s->answers : 1), s->answer_ids, s->truth_ids);
}

#endif
