// The report of an evaluation: by class and by match. In: samples; out: TlEvalReport rows.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <touchline/eval.h>

#include "base/mem.h"
#include "eval/samples.h"
#include "pitch/pitch.h"

// Match of a picture: its name up to the first '_'.
static void match_of(const char *name, char match[TL_EVAL_MATCH_SIZE])
{
    snprintf(match, TL_EVAL_MATCH_SIZE, "%.*s", (int)strcspn(name, "_"), name);
}

static int belongs(const TlSample *sample, const char *match)
{
    char own[TL_EVAL_MATCH_SIZE];
    match_of(sample->name, own);
    return !match || strcmp(own, match) == 0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Percentile by linear interpolation between the closest ranks, -1 of nothing. Sorts in place.
static double percentile(double *value, int count, double share)
{
    if (count == 0)
        return -1;
    qsort(value, (size_t)count, sizeof *value, ascending);
    double at = share * (count - 1);
    int low = (int)at;
    return low + 1 < count ? value[low] + (at - low) * (value[low + 1] - value[low]) : value[low];
}

static int select_boxes(const TlSamples *samples, const struct TlBoxList *list, const char *match, TlEvalBox *out)
{
    int n = 0;
    for (int i = 0; i < list->count; i++)
        if (belongs(&samples->sample[list->box[i].picture], match))
            out[n++] = list->box[i];
    return n;
}

static int report_class(const TlSamples *samples, int class_id, const char *match, double threshold, TlEvalClass *out)
{
    const struct TlBoxList *truth = &samples->truth[class_id], *predicted = &samples->predicted[class_id];
    TlEvalBox *t = tl_calloc((size_t)truth->count + 1, sizeof *t),
              *p = tl_calloc((size_t)predicted->count + 1, sizeof *p);
    TlEvalCurve curve;
    int ret = TL_ENOMEM;
    if (t && p) {
        int nt = select_boxes(samples, truth, match, t), np = select_boxes(samples, predicted, match, p);
        ret = tl_eval_average_precision(t, nt, p, np, threshold, &curve);
    }
    if (ret == TL_OK)
        *out = (TlEvalClass){.instances = curve.instances,
                             .predictions = curve.predictions,
                             .ap50 = curve.ap50,
                             .ap50_95 = curve.ap50_95,
                             .precision = curve.precision,
                             .recall = curve.recall};
    tl_free(&t);
    tl_free(&p);
    return ret;
}

typedef struct Errors {
    double *share, *metres;
    int shares, metre_count;
} Errors;

static void take_points(const TlSample *sample, const TlPitchModel *model, TlEvalPitch *out, Errors *errors)
{
    out->pictures++;
    out->with_homography += sample->has_homography;
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const TlLabelPoint *label = &sample->label[i];
        if (!label->visible)
            continue;
        double x = label->x * sample->width, y = label->y * sample->height, mx, my;
        const TlPoint *p = &sample->predicted[i];
        out->points++;
        if (sample->width && p->confidence > 0) {
            out->found++;
            errors->share[errors->shares++] = hypot((double)p->x - x, (double)p->y - y) / sample->width;
        }
        if (!sample->has_homography)
            continue;
        tl_homography_apply(sample->homography, x, y, &mx, &my);
        errors->metres[errors->metre_count++] = hypot(mx - model->point[i][0], my - model->point[i][1]);
    }
}

static int report_pitch(const TlSamples *samples, const char *match, const TlPitchModel *model, TlEvalPitch *out)
{
    size_t most = (size_t)samples->count * TL_POINT_COUNT + 1;
    Errors errors = {.share = tl_calloc(most, sizeof(double)), .metres = tl_calloc(most, sizeof(double))};
    int ret = errors.share && errors.metres ? TL_OK : TL_ENOMEM;
    *out = (TlEvalPitch){0};
    for (int i = 0; ret == TL_OK && i < samples->count; i++)
        if (samples->sample[i].has_points && belongs(&samples->sample[i], match))
            take_points(&samples->sample[i], model, out, &errors);
    if (ret == TL_OK) {
        out->median_share = percentile(errors.share, errors.shares, 0.5);
        out->p95_share = percentile(errors.share, errors.shares, 0.95);
        out->median_m = percentile(errors.metres, errors.metre_count, 0.5);
        out->p95_m = percentile(errors.metres, errors.metre_count, 0.95);
    }
    tl_free(&errors.share);
    tl_free(&errors.metres);
    return ret;
}

static int report(const TlSamples *samples, const TlEvalParams *params, const char *match, TlEvalReport *out)
{
    TlPitchModel model;
    int ret = TL_OK;
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", match ? match : "all");
    for (int i = 0; i < samples->count; i++) {
        int own = belongs(&samples->sample[i], match);
        out->pictures += own;
        out->without_prediction += own && !samples->sample[i].width;
    }
    for (int c = 0; c < TL_CLASS_COUNT && ret == TL_OK; c++)
        ret = report_class(samples, c, match, (double)params->threshold[c], &out->box[c]);
    tl_pitch_model_init(&model, params->pitch_length_m, params->pitch_width_m);
    return ret == TL_OK ? report_pitch(samples, match, &model, &out->pitch) : ret;
}

// Index of the first picture of a match.
static int first_of(const TlSamples *samples, const char *match)
{
    int i = 0;
    while (i < samples->count && !belongs(&samples->sample[i], match))
        i++;
    return i;
}

int tl_eval_detections(const TlEvalParams *params, TlEvalReport *reports, int size, int *count, TlDiag *diag)
{
    TlSamples samples = {0};
    char match[TL_EVAL_MATCH_SIZE];
    *count = 0;
    int ret = tl_samples_read(&samples, params->predictions, params->truth, diag);
    if (ret == TL_OK && size > 0)
        ret = report(&samples, params, NULL, &reports[(*count)++]);
    for (int i = 0; i < samples.count && ret == TL_OK && *count < size; i++) {
        match_of(samples.sample[i].name, match);
        if (first_of(&samples, match) != i)
            continue; // has its row already
        ret = report(&samples, params, match, &reports[(*count)++]);
    }
    tl_samples_deinit(&samples);
    return ret < 0 ? tl_fail(diag, ret, "out of memory for the evaluation") : TL_OK;
}
