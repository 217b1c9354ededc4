// Average precision as COCO defines it. In: boxes of one class over all pictures; out: AP50, AP50-95, precision and
// recall.
#include "eval/average_precision.h"

#include <float.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum { PER_PICTURE = 100, IOU_STEPS = 10, RECALL_STEPS = 101 };

// A prediction that counts, with its fate at each overlap.
typedef struct Ranked {
    double score;
    int order;    ///< position before sorting, for ties
    uint16_t hit; ///< bit t: matched at IoU step t
} Ranked;

static double iou_of_step(int t)
{
    return 0.5 + 0.05 * t;
}

static double overlap(const double a[4], const double b[4])
{
    double x1 = a[0] > b[0] ? a[0] : b[0], y1 = a[1] > b[1] ? a[1] : b[1];
    double x2 = a[0] + a[2] < b[0] + b[2] ? a[0] + a[2] : b[0] + b[2];
    double y2 = a[1] + a[3] < b[1] + b[3] ? a[1] + a[3] : b[1] + b[3];
    if (x2 <= x1 || y2 <= y1)
        return 0;
    double both = (x2 - x1) * (y2 - y1);
    return both / (a[2] * a[3] + b[2] * b[3] - both);
}

static int by_score(const void *a, const void *b)
{
    const Ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

// Greedy matching of one picture at one overlap, best score first.
static void match_picture(const TlEvalBox *truth, int n, const TlEvalBox *predicted, Ranked *ranked, int m, int step,
                          uint8_t *taken)
{
    for (int j = 0; j < n; j++)
        taken[j] = 0;
    for (int i = 0; i < m; i++) {
        double best = iou_of_step(step) - 1e-10;
        int found = -1;
        for (int j = 0; j < n; j++) {
            double o = taken[j] ? -1 : overlap(predicted[ranked[i].order].box, truth[j].box);
            if (o >= best) {
                best = o;
                found = j;
            }
        }
        if (found >= 0) {
            taken[found] = 1;
            ranked[i].hit |= (uint16_t)(1u << step);
        }
    }
}

// Area under the curve made monotone, sampled at 101 recalls. ranked is sorted by score over all pictures.
static double area(const Ranked *ranked, int count, int instances, int step, double *precision)
{
    double sum = 0, best = 0;
    int hits = 0, at = count - 1;
    for (int i = 0; i < count; i++) {
        hits += ranked[i].hit >> step & 1;
        precision[i] = (double)hits / (i + 1 + DBL_EPSILON);
    }
    // From the highest recall down: precision at a recall is the best at that or any higher one.
    for (int r = RECALL_STEPS - 1; r >= 0; r--) {
        double recall = r / (double)(RECALL_STEPS - 1);
        while (at >= 0 && (double)hits / instances >= recall) {
            best = precision[at] > best ? precision[at] : best;
            hits -= ranked[at--].hit >> step & 1;
        }
        sum += best;
    }
    return sum / RECALL_STEPS;
}

static void working_point(const Ranked *ranked, int count, double threshold, TlEvalCurve *curve)
{
    int shown = 0, hits = 0;
    for (int i = 0; i < count && ranked[i].score >= threshold; i++) {
        shown++;
        hits += ranked[i].hit & 1;
    }
    curve->precision = shown ? (double)hits / shown : -1;
    curve->recall = curve->instances ? (double)hits / curve->instances : -1;
}

// Ranks and matches the pictures one after the other; returns how many predictions count.
static int match_all(const TlEvalBox *truth, int truth_count, const TlEvalBox *predicted, int predicted_count,
                     Ranked *ranked, uint8_t *taken)
{
    int count = 0;
    for (int t = 0, p = 0; p < predicted_count;) {
        int picture = predicted[p].picture, first = count, n = 0;
        while (t < truth_count && truth[t].picture < picture)
            t++;
        while (t + n < truth_count && truth[t + n].picture == picture)
            n++;
        for (; p < predicted_count && predicted[p].picture == picture; p++)
            ranked[count++] = (Ranked){.score = predicted[p].score, .order = p};
        qsort(ranked + first, (size_t)(count - first), sizeof *ranked, by_score);
        if (count - first > PER_PICTURE)
            count = first + PER_PICTURE;
        for (int step = 0; step < IOU_STEPS; step++)
            match_picture(truth + t, n, predicted, ranked + first, count - first, step, taken);
    }
    for (int i = 0; i < count; i++)
        ranked[i].order = i;
    qsort(ranked, (size_t)count, sizeof *ranked, by_score);
    return count;
}

int tl_eval_average_precision(const TlEvalBox *truth, int truth_count, const TlEvalBox *predicted, int predicted_count,
                              double threshold, TlEvalCurve *curve)
{
    Ranked *ranked = tl_calloc((size_t)predicted_count + 1, sizeof *ranked);
    double *precision = tl_calloc((size_t)predicted_count + 1, sizeof *precision);
    uint8_t *taken = tl_calloc((size_t)truth_count + 1, 1);
    int ret = ranked && precision && taken ? TL_OK : TL_ENOMEM;
    *curve = (TlEvalCurve){.ap50 = -1, .ap50_95 = -1, .precision = -1, .recall = -1, .instances = truth_count};
    if (ret == TL_OK) {
        int count = match_all(truth, truth_count, predicted, predicted_count, ranked, taken);
        curve->predictions = count;
        working_point(ranked, count, threshold, curve);
        if (truth_count > 0) {
            double sum = 0;
            for (int step = 0; step < IOU_STEPS; step++) {
                double ap = area(ranked, count, truth_count, step, precision);
                curve->ap50 = step == 0 ? ap : curve->ap50;
                sum += ap;
            }
            curve->ap50_95 = sum / IOU_STEPS;
        }
    }
    tl_free(&ranked);
    tl_free(&precision);
    tl_free(&taken);
    return ret;
}
