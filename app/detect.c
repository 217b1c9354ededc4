// touchline detect: pictures, each for itself, without tracking.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <touchline/log.h>
#include <touchline/session.h>
#include <touchline/writer.h>

#include "command.h"
#include "interrupt.h"
#include "outputs.h"
#include "progress.h"
#include "same_file.h"

typedef struct DetectValues {
    char output[TL_PATH_SIZE];
    double min_score;
    int overwrite;
} DetectValues;

static DetectValues g_values;

static const TlCommandOption g_options[] = {
    {.def = {.flag = "output",
             .group = "Output",
             .value = "FILE",
             .deflt = "-",
             .help = "JSON Lines file (.jsonl); '-' is standard output",
             .type = TL_OPTION_STRING,
             .max = TL_PATH_SIZE - 1,
             .offset = offsetof(DetectValues, output)},
     .letter = 'o',
     .file = 1,
     .output = 1},
    {.def = {.flag = "overwrite",
             .group = "Output",
             .deflt = "0",
             .help = "replace a file that exists",
             .type = TL_OPTION_BOOL,
             .max = 1,
             .offset = offsetof(DetectValues, overwrite)},
     .letter = 'y'},
    {.def =
         {.flag = "min-score",
          .group = "Output",
          .value = "SCORE",
          .deflt = "auto",
          .help =
              "for evaluation: lowest score that is written, for all classes (0.001), with --per-class-nms; auto = as"
              " --conf-threshold",
          .type = TL_OPTION_DOUBLE,
          .max = 1,
          .offset = offsetof(DetectValues, min_score)}},
    {.def = {.flag = NULL}},
};

// The pictures of the command line; grows by doubling.
typedef struct PictureList {
    char **path;
    int count, capacity;
} PictureList;

static int add_picture(PictureList *list, const char *path, TlDiag *diag)
{
    if (list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 64;
        char **grown = realloc(list->path, (size_t)capacity * sizeof *grown);
        if (!grown)
            return tl_fail(diag, TL_ENOMEM, "out of memory for the list of pictures");
        list->path = grown;
        list->capacity = capacity;
    }
    list->path[list->count] = strdup(path);
    if (!list->path[list->count])
        return tl_fail(diag, TL_ENOMEM, "out of memory for the list of pictures");
    list->count++;
    return TL_OK;
}

static void free_pictures(PictureList *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->path[i]);
    free(list->path);
    *list = (PictureList){0};
}

static int take_picture(void *list, const char *path, TlDiag *diag)
{
    return add_picture(list, path, diag);
}

// Says when only the first picture of a file will be looked at.
static void warn_of_video(const char *path)
{
    static const char *const endings[] = {".mp4", ".mkv", ".mov",  ".avi", ".webm", ".ts", ".m2ts",
                                          ".m4v", ".mpg", ".mpeg", ".flv", ".wmv",  ".mxf"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (tl_output_has_ending(path, endings[i]))
            tl_log(TL_LOG_WARNING,
                   "'%s' is a video: only its first picture is answered; `touchline process` answers all", path);
}

static int list_pictures(PictureList *list, const TlTextList *arguments, TlDiag *diag)
{
    struct stat status;
    int ret = TL_OK;

    for (int i = 0; i < arguments->count && ret == TL_OK; i++) {
        const char *path = arguments->item[i];
        if (stat(path, &status) < 0)
            ret =
                tl_fail(diag, errno == EACCES ? TL_EDENIED : TL_ENOENT, "cannot open '%s': %s", path, strerror(errno));
        else
            ret = S_ISDIR(status.st_mode) ? tl_list_pictures(path, take_picture, list, diag)
                                          : add_picture(list, path, diag);
        if (ret == TL_OK)
            warn_of_video(path);
    }
    return ret;
}

// No picture that is read is written over, whatever -y says.
static int keep_pictures(const PictureList *list, TlDiag *diag)
{
    int ret = TL_OK;

    for (int i = 0; i < list->count && ret == TL_OK; i++)
        ret = tl_keep_input(g_values.output, list->path[i], "-o", diag);
    return ret;
}

// Does the code tell of the picture and not of the machine? Then the next one may do better.
static int is_about_picture(int code)
{
    return code == TL_ENOENT || code == TL_EDENIED || code == TL_EIO || code == TL_EFORMAT || code == TL_ENOVIDEO ||
           code == TL_EEMPTY || code == TL_ETRUNCATED || code == TL_ELIMIT;
}

// One that cannot be read is left out with a warning: that is no reason to throw away the others. When none can, the
// reason of the last one is that of all.
static int answer_all(TlSession *session, TlPictureWriter *writer, const PictureList *list, int *left_out, TlDiag *diag)
{
    static TlRecord record; // large
    int width, height;

    for (int i = 0; i < list->count; i++) {
        int ret = tl_session_detect(session, list->path[i], &record, &width, &height, diag);
        if (is_about_picture(ret) && ++*left_out < list->count) {
            tl_log(TL_LOG_WARNING, "picture left out: %s", diag->text);
            tl_diag_clear(diag);
        } else if (ret == TL_OK) {
            ret = tl_picture_writer_write(writer, list->path[i], width, height, &record, diag);
            if (ret < 0)
                return ret;
        } else {
            return ret;
        }
        tl_progress_update(i + 1);
        if (tl_interrupted())
            return tl_fail(diag, TL_EINTERRUPTED, "interrupted after %d picture%s", i + 1, i ? "s" : "");
    }
    return TL_OK;
}

static void print_summary(int answered, int left_out, double seconds)
{
    fprintf(stderr, "wrote %s: %d picture%s in %.2f s (%.1f a second)",
            strcmp(g_values.output, "-") ? g_values.output : "standard output", answered, answered == 1 ? "" : "s",
            seconds, seconds > 0 ? answered / seconds : 0);
    if (left_out)
        fprintf(stderr, ", %d left out", left_out);
    fputc('\n', stderr);
}

static int detect(const TlCommandLine *line, TlSession *session, const PictureList *list, TlDiag *diag)
{
    TlPictureWriter *writer = NULL;
    double begin = tl_seconds();
    int left_out = 0;
    const TlProgressParams progress = {.quiet = line->quiet, .total = list->count};

    int ret = tl_picture_writer_open(&writer, g_values.output, g_values.overwrite, diag);
    if (ret == TL_OK)
        ret = tl_progress_begin(&progress, diag);
    if (ret == TL_OK)
        ret = answer_all(session, writer, list, &left_out, diag);
    tl_progress_end(list->count);
    if (ret == TL_OK)
        ret = tl_picture_writer_commit(&writer, diag);
    tl_picture_writer_abort(&writer);
    if (ret == TL_OK && !line->quiet)
        print_summary(list->count - left_out, left_out, tl_seconds() - begin);
    return ret;
}

// One format is written; a name that promises another would mislead whoever opens the file.
static int check_ending(const char *path, TlDiag *diag)
{
    static const char *const pictures[] = {".mp4", ".png", ".jpg", ".jpeg"};
    const TlWriterFormat *format = tl_output_format(path);
    int is_other = format && strcmp(format->name, "jsonl") != 0;

    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        is_other |= tl_output_has_ending(path, pictures[i]);
    return is_other
               ? tl_fail(diag, TL_EUSAGE, "detect writes JSON Lines: -o must end in .jsonl or .ndjson, not '%s'", path)
               : TL_OK;
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    PictureList list = {0};
    TlSession *session = NULL;
    TlOptions options = line->options;

    if (g_values.min_score >= 0) { // evaluation: every class is judged by itself
        options.conf_threshold = g_values.min_score;
        options.per_class_nms = 1;
    }
    int ret = list_pictures(&list, &line->arguments, diag);
    if (ret == TL_OK)
        ret = keep_pictures(&list, diag);
    if (ret == TL_OK)
        ret = check_ending(g_values.output, diag);
    if (ret == TL_OK)
        ret = tl_output_check(g_values.output, g_values.overwrite, diag);
    tl_progress_note("loading the networks", line->quiet || ret < 0);
    if (ret == TL_OK)
        ret = tl_session_open(&session, &options, diag);
    if (ret == TL_OK)
        ret = detect(line, session, &list, diag);
    tl_session_close(&session);
    free_pictures(&list);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline detect frame.png", "one line of JSON on standard output"},
    {"touchline detect frames/ -o frames.jsonl --min-score 0.001", "a folder, everything the networks saw"},
    {NULL, NULL},
};

const TlCommand tl_command_detect = {
    .name = "detect",
    .arguments = "IMAGE|FOLDER...",
    .summary = "objects and pitch points of single pictures",
    .description = "Each picture is answered for itself, without tracking: boxes, scores, the 32 pitch points and the "
                   "homography, one JSON object a line; one that cannot be read is left out with a warning. Where the "
                   "pitch is found, staff, spectators, spare balls and penalty marks taken for balls lose part of "
                   "their scores, and go when that is too little. A picture of a match is seen better inside its "
                   "video: `touchline process`.",
    .options = g_options,
    .values = &g_values,
    .groups = "Networks|Detection|Pitch|Machine",
    .examples = g_examples,
    .min_arguments = 1,
    .max_arguments = TL_ANY_NUMBER,
    .run = run,
};
