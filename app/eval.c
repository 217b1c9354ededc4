// touchline eval: predictions against labels.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/eval.h>
#include <touchline/system.h>

#include "command.h"

enum { ROWS = 64 };

typedef struct EvalValues {
    char thresholds[128];
    int json;
} EvalValues;

static EvalValues g_values;

static const TlCommandOption g_options[] = {
    {.def = {.flag = "thresholds",
             .group = "Evaluation",
             .value = "B,G,P,R",
             .help =
                 "working point of precision and recall: scores of ball, goalkeeper, player and referee; auto = those "
                 "of the shipped player network",
             .deflt = "auto",
             .type = TL_OPTION_STRING,
             .max = sizeof g_values.thresholds - 1,
             .offset = offsetof(EvalValues, thresholds)}},
    {.def = {.flag = "json",
             .group = "Evaluation",
             .help = "the figures as one JSON object",
             .type = TL_OPTION_BOOL,
             .max = 1,
             .offset = offsetof(EvalValues, json),
             .deflt = "0"}},
    {.def = {.flag = NULL}},
};

// The thresholds that the shipped player network carries as metadata.
static const char *shipped_thresholds(TlModelInfo *model, TlDiag *diag)
{
    for (int i = 0; tl_model_info(i, model, diag) == TL_OK; i++) {
        const char *slash = strrchr(model->path, '/');
        if (strcmp(slash ? slash + 1 : model->path, "players.onnx") != 0)
            continue;
        for (int k = 0; k < model->fact_count; k++)
            if (!strcmp(model->fact[k].key, "touchline.thresholds"))
                return model->fact[k].value;
    }
    return NULL;
}

static int read_thresholds(float threshold[TL_CLASS_COUNT], TlDiag *diag)
{
    static TlModelInfo model; // large
    const char *at = strcmp(g_values.thresholds, "auto") != 0 ? g_values.thresholds : shipped_thresholds(&model, diag);
    if (!at)
        return tl_fail(diag, TL_EMODEL, "the shipped player network tells no thresholds; --thresholds gives them");
    for (int c = 0; c < TL_CLASS_COUNT; c++) {
        char *end;
        double value = strtod(at, &end);
        if (end == at || value < 0 || value > 1 || *end != (c + 1 < TL_CLASS_COUNT ? ',' : 0))
            return tl_fail(diag, TL_EUSAGE,
                           "--thresholds takes auto or four scores of 0 to 1, '0.4,0.4,0.4,0.4', not '%s'",
                           g_values.thresholds);
        threshold[c] = (float)value;
        at = end + 1;
    }
    return TL_OK;
}

// Rows worth printing: with one picture a match, the matches are only names of pictures.
static int useful_rows(const TlEvalReport *rows, int count)
{
    for (int i = 1; i < count; i++)
        if (rows[i].pictures > 1)
            return count;
    return count < 1 ? count : 1;
}

static const char *percent(double share, char text[16])
{
    snprintf(text, 16, share < 0 ? "-" : "%.3f", share);
    return text;
}

// A figure with its unit, "-" for the -1 of "nothing to measure".
static const char *figure(double value, double factor, const char *unit, char text[24])
{
    snprintf(text, 24, "%.3f%s", factor * value, unit);
    return value < 0 ? "-" : text;
}

static void print_boxes(const TlEvalReport *rows, int count)
{
    char a[16], b[16], p[16], r[16];
    printf("%-10s %-11s %9s %11s %7s %8s %10s %7s\n", "match", "class", "instances", "predictions", "AP50", "AP50-95",
           "precision", "recall");
    for (int i = 0; i < count; i++)
        for (int c = 0; c < TL_CLASS_COUNT; c++) {
            const TlEvalClass *box = &rows[i].box[c];
            printf("%-10s %-11s %9d %11d %7s %8s %10s %7s\n", rows[i].name, tl_class_name(c), box->instances,
                   box->predictions, percent(box->ap50, a), percent(box->ap50_95, b), percent(box->precision, p),
                   percent(box->recall, r));
        }
}

static void print_pitch(const TlEvalReport *rows, int count)
{
    char a[24], b[24], c[24], d[24];
    printf("%-10s %8s %10s %7s %6s %13s %10s %9s %7s\n", "match", "pictures", "homography", "points", "found",
           "median/width", "95%/width", "median m", "95% m");
    for (int i = 0; i < count; i++) {
        const TlEvalPitch *p = &rows[i].pitch;
        printf("%-10s %8d %10d %7d %6d %13s %10s %9s %7s\n", rows[i].name, p->pictures, p->with_homography, p->points,
               p->found, figure(p->median_share, 100, "%", a), figure(p->p95_share, 100, "%", b),
               figure(p->median_m, 1, "", c), figure(p->p95_m, 1, "", d));
    }
}

static void print_json(const TlEvalReport *rows, int count)
{
    printf("{\"rows\":[");
    for (int i = 0; i < count; i++) {
        const TlEvalPitch *p = &rows[i].pitch;
        printf("%s\n {\"name\":\"%s\",\"pictures\":%d,\"without_prediction\":%d", i ? "," : "", rows[i].name,
               rows[i].pictures, rows[i].without_prediction);
        for (int c = 0; c < TL_CLASS_COUNT; c++) {
            const TlEvalClass *b = &rows[i].box[c];
            printf(",\"%s\":{\"instances\":%d,\"predictions\":%d,\"ap50\":%.6f,\"ap50_95\":%.6f,\"precision\":%.6f,"
                   "\"recall\":%.6f}",
                   tl_class_name(c), b->instances, b->predictions, b->ap50, b->ap50_95, b->precision, b->recall);
        }
        printf(",\"pitch\":{\"pictures\":%d,\"with_homography\":%d,\"points\":%d,\"found\":%d,\"median_share\":%.6f,"
               "\"p95_share\":%.6f,\"median_m\":%.4f,\"p95_m\":%.4f}}",
               p->pictures, p->with_homography, p->points, p->found, p->median_share, p->p95_share, p->median_m,
               p->p95_m);
    }
    printf("\n]}\n");
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    static TlEvalReport rows[ROWS];
    TlEvalParams params = {.predictions = line->arguments.item[1],
                           .truth = line->arguments.item[2],
                           .pitch_length_m = line->options.pitch_length_m,
                           .pitch_width_m = line->options.pitch_width_m};
    int count = 0, boxes = 0;
    if (strcmp(line->arguments.item[0], "detections") != 0)
        return tl_fail(diag, TL_EUSAGE, "eval knows 'detections', not '%s'", line->arguments.item[0]);
    int ret = read_thresholds(params.threshold, diag);
    if (ret == TL_OK)
        ret = tl_eval_detections(&params, rows, ROWS, &count, diag);
    if (ret < 0)
        return ret;
    int missing = rows[0].without_prediction;
    if (missing && !line->quiet)
        fprintf(stderr, "%d labelled picture%s no prediction: counted as if nothing was found\n", missing,
                missing == 1 ? " has" : "s have");
    count = useful_rows(rows, count);
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        boxes += rows[0].box[c].instances;
    if (g_values.json)
        print_json(rows, count);
    else {
        if (boxes)
            print_boxes(rows, count);
        if (rows[0].pitch.pictures)
            print_pitch(rows, count);
    }
    return TL_OK;
}

static const TlExample g_examples[] = {
    {"touchline detect images/ -o seen.jsonl --min-score 0.01", "everything the networks saw"},
    {"touchline eval detections seen.jsonl labels/", "average precision by class and match, or pitch errors"},
    {NULL, NULL},
};

const TlCommand tl_command_eval = {
    .name = "eval",
    .arguments = "detections PRED TRUTH",
    .summary = "predictions against labels",
    .description =
        "PRED is what `touchline detect` wrote, TRUTH a folder of YOLO label files named as the pictures (boxes, or "
        "a box and 32 points). Prints AP50 and AP50-95 as COCO defines them, precision and recall at the working "
        "point, errors of the pitch points and of the homography; for all pictures and by match. The match of a "
        "picture is "
        "its file name up to the first '_' (derby_0031.jpg: derby); when every match has one picture only the row of "
        "all pictures is printed.",
    .options = g_options,
    .values = &g_values,
    .groups = "Pitch",
    .examples = g_examples,
    .min_arguments = 3,
    .max_arguments = 3,
    .run = run,
};
