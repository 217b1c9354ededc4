// The outputs of `process`: names and formats from the command line, then the same four steps for every kind.
#include "outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "same_file.h"

int tl_output_has_ending(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);

    return length > tail && !strcasecmp(path + length - tail, ending);
}

static const TlWriterFormat *find_format(const char *name)
{
    const TlWriterFormat *format;

    for (int i = 0; (format = tl_writer_format(i)); i++)
        if (!strcasecmp(format->name, name))
            return format;
    return NULL;
}

// The longest of the suffixes decides: ".mot.txt" wins over ".txt".
const TlWriterFormat *tl_output_format(const char *path)
{
    const TlWriterFormat *format, *best = NULL;
    size_t best_length = 0;
    char suffix[32];

    for (int i = 0; (format = tl_writer_format(i)); i++)
        for (const char *at = format->suffixes; *at; at += strspn(at, " ")) {
            size_t length = strcspn(at, " ");
            snprintf(suffix, sizeof suffix, "%.*s", (int)length, at);
            if (length > best_length && tl_output_has_ending(path, suffix)) {
                best = format;
                best_length = length;
            }
            at += length;
        }
    return best;
}

static void list_formats(char *text, size_t size)
{
    const TlWriterFormat *format;
    size_t at = 0;

    text[0] = '\0';
    for (int i = 0; (format = tl_writer_format(i)) && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", format->name);
}

void tl_output_name(const char *input, const char *ending, char *path, size_t size)
{
    char stem[TL_PATH_SIZE];

    snprintf(stem, sizeof stem, "%s", strcmp(input, "-") ? input : "stdin");
    if (strstr(input, "://"))
        stem[strcspn(stem, "?#")] = '\0';
    size_t length = strlen(stem);
    while (length > 1 && stem[length - 1] == '/')
        stem[--length] = '\0';
    const char *slash = strrchr(stem, '/');
    const char *name = slash && slash[1] ? slash + 1 : stem;
    const char *dot = strrchr(name, '.');
    if (!strcmp(name, ".") || !strcmp(name, "..")) { // named after the folder that they stand for
        char *real = realpath(stem, NULL);
        const char *last = real ? strrchr(real, '/') : NULL;
        snprintf(stem, sizeof stem, "%s", last && last[1] ? last + 1 : "touchline");
        free(real);
        name = stem;
        dot = NULL;
    }
    int stem_length = (int)(dot && dot != name ? dot - name : (long)strlen(name));
    if (!stem_length || !strcmp(name, "/"))
        snprintf(path, size, "touchline%s", ending);
    else
        snprintf(path, size, "%.*s%s", stem_length, name, ending);
}

int tl_output_check(const char *path, int overwrite, TlDiag *diag)
{
    struct stat status;

    if (overwrite || !strcmp(path, "-") || stat(path, &status) < 0 || !S_ISREG(status.st_mode))
        return TL_OK;
    return tl_fail(diag, TL_EEXIST, "'%s' exists already; -y overwrites it", path);
}

static int is_folder(const char *path)
{
    struct stat status;
    size_t length = strlen(path);

    return (length && path[length - 1] == '/') || (!stat(path, &status) && S_ISDIR(status.st_mode));
}

static int add(TlOutputs *outputs, int kind, const char *path, const char *format, TlDiag *diag)
{
    static const char *const options[] = {
        [TL_OUTPUT_RECORDS] = "-o", [TL_OUTPUT_OVERLAY] = "--overlay", [TL_OUTPUT_MAP] = "--map"};

    if (outputs->count == TL_OUTPUT_MAX)
        return tl_fail(diag, TL_EUSAGE, "at most %d outputs are written in one run", TL_OUTPUT_MAX);
    if (strlen(path) >= TL_PATH_SIZE)
        return tl_fail(diag, TL_ELIMIT, "the name of the output '%.60s...' is too long", path);
    for (int i = 0; i < outputs->count; i++)
        if (tl_same_file(outputs->item[i].path, path))
            return tl_fail(diag, TL_EUSAGE, "'%s' is given as output twice", path);
    int ret = tl_keep_input(path, outputs->input, options[kind], diag);
    if (ret < 0)
        return ret;
    TlOutput *output = &outputs->item[outputs->count++];
    *output = (TlOutput){.kind = kind, .format = format};
    snprintf(output->path, sizeof output->path, "%s", path);
    return tl_output_check(path, outputs->overwrite, diag);
}

// A folder gets "<folder>/<stem><ending>".
static int add_in_folder(TlOutputs *outputs, const TlOutputRequest *request, int kind, const char *folder,
                         const char *ending, const char *format, TlDiag *diag)
{
    char name[TL_PATH_SIZE], path[2 * TL_PATH_SIZE];
    size_t length = strlen(folder);

    tl_output_name(request->input, ending, name, sizeof name);
    snprintf(path, sizeof path, "%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
    return add(outputs, kind, path, format, diag);
}

static int add_overlay(TlOutputs *outputs, const TlOutputRequest *request, const char *path, TlDiag *diag)
{
    if (is_folder(path))
        return add_in_folder(outputs, request, TL_OUTPUT_OVERLAY, path, ".mp4", NULL, diag);
    if (!tl_output_has_ending(path, ".mp4"))
        return tl_fail(diag, TL_EUSAGE, "--overlay must end in .mp4, not '%s'", path);
    return add(outputs, TL_OUTPUT_OVERLAY, path, NULL, diag);
}

static int add_map(TlOutputs *outputs, const TlOutputRequest *request, const char *path, TlDiag *diag)
{
    if (is_folder(path))
        return add_in_folder(outputs, request, TL_OUTPUT_MAP, path, ".png", NULL, diag);
    if (!tl_output_has_ending(path, ".png") && !tl_output_has_ending(path, ".mp4"))
        return tl_fail(diag, TL_EUSAGE, "--map must end in .png or .mp4, not '%s'", path);
    return add(outputs, TL_OUTPUT_MAP, path, NULL, diag);
}

static int add_output(TlOutputs *outputs, const TlOutputRequest *request, const char *path, TlDiag *diag)
{
    char names[256];
    const TlWriterFormat *format = NULL;

    list_formats(names, sizeof names);
    if (!path[0])
        return tl_fail(diag, TL_EUSAGE, "the name of the output is empty");
    if (request->format[0]) {
        format = find_format(request->format);
        if (!format)
            return tl_fail(diag, TL_EUSAGE, "--format must be one of %s, not '%s'", names, request->format);
    }
    if (is_folder(path)) {
        char ending[32];
        format = format ? format : find_format("jsonl");
        snprintf(ending, sizeof ending, "%.*s", (int)strcspn(format->suffixes, " "), format->suffixes);
        return add_in_folder(outputs, request, TL_OUTPUT_RECORDS, path, ending, format->name, diag);
    }
    if (!format && tl_output_has_ending(path, ".mp4"))
        return add(outputs, TL_OUTPUT_OVERLAY, path, NULL, diag);
    if (!format && tl_output_has_ending(path, ".png"))
        return add(outputs, TL_OUTPUT_MAP, path, NULL, diag);
    if (!format)
        format = strcmp(path, "-") ? tl_output_format(path) : find_format("jsonl");
    if (!format)
        return tl_fail(diag, TL_EUSAGE, "the ending of '%s' tells no format; --format takes one of %s", path, names);
    return add(outputs, TL_OUTPUT_RECORDS, path, format->name, diag);
}

int tl_outputs_plan(TlOutputs *outputs, const TlOutputRequest *request, TlDiag *diag)
{
    char path[TL_PATH_SIZE], ending[32];
    int ret = TL_OK;

    *outputs = (TlOutputs){.input = request->input, .overwrite = request->overwrite};
    if (request->format[0] && request->outputs->count > 1)
        return tl_fail(diag, TL_EUSAGE, "--format goes with one -o; several take their formats from their endings");
    for (int i = 0; i < request->outputs->count && ret == TL_OK; i++)
        ret = add_output(outputs, request, request->outputs->item[i], diag);
    for (int i = 0; i < request->overlays->count && ret == TL_OK; i++)
        if (request->overlays->item[i][0])
            ret = add_overlay(outputs, request, request->overlays->item[i], diag);
    for (int i = 0; i < request->maps->count && ret == TL_OK; i++)
        if (request->maps->item[i][0])
            ret = add_map(outputs, request, request->maps->item[i], diag);
    if (ret < 0 || outputs->count)
        return ret;
    // Nothing named: <stem>.jsonl (or the ending of --format) in the working directory.
    const TlWriterFormat *format = find_format(request->format[0] ? request->format : "jsonl");
    snprintf(ending, sizeof ending, "%.*s", format ? (int)strcspn(format->suffixes, " ") : 6,
             format ? format->suffixes : ".jsonl");
    tl_output_name(request->input, ending, path, sizeof path);
    return add_output(outputs, request, path, diag);
}

int tl_outputs_want_pictures(const TlOutputs *outputs)
{
    for (int i = 0; i < outputs->count; i++)
        if (outputs->item[i].kind == TL_OUTPUT_OVERLAY)
            return 1;
    return 0;
}

int tl_outputs_want_pitch(const TlOutputs *outputs)
{
    for (int i = 0; i < outputs->count; i++)
        if (outputs->item[i].kind == TL_OUTPUT_MAP)
            return 1;
    return 0;
}

int tl_outputs_use_stdout(const TlOutputs *outputs)
{
    for (int i = 0; i < outputs->count; i++)
        if (!strcmp(outputs->item[i].path, "-"))
            return 1;
    return 0;
}

static int open_one(TlOutputs *outputs, TlOutput *output, const TlStreamInfo *info, TlDiag *diag)
{
    const TlWriterParams writer = {.path = output->path,
                                   .format = output->format,
                                   .overwrite = outputs->overwrite,
                                   .pitch_length_m = outputs->pitch_length_m,
                                   .pitch_width_m = outputs->pitch_width_m};
    const TlRenderParams render = {.path = output->path,
                                   .overwrite = outputs->overwrite,
                                   .pitch_length_m = outputs->pitch_length_m,
                                   .pitch_width_m = outputs->pitch_width_m,
                                   .threads = outputs->threads};

    switch (output->kind) {
    case TL_OUTPUT_OVERLAY:
        return tl_overlay_open(&output->overlay, &render, info, diag);
    case TL_OUTPUT_MAP:
        return tl_map_open(&output->map, &render, info, diag);
    default:
        return tl_writer_open(&output->writer, &writer, info, diag);
    }
}

int tl_outputs_open(TlOutputs *outputs, const TlStreamInfo *info, TlDiag *diag)
{
    int ret = TL_OK;

    for (int i = 0; i < outputs->count && ret == TL_OK; i++)
        ret = open_one(outputs, &outputs->item[i], info, diag);
    return ret;
}

int tl_outputs_write(TlOutputs *outputs, const TlRecord *record, const TlPicture *picture, TlDiag *diag)
{
    int ret = TL_OK;

    for (int i = 0; i < outputs->count && ret == TL_OK; i++) {
        TlOutput *output = &outputs->item[i];
        if (output->writer)
            ret = tl_writer_write(output->writer, record, diag);
        else if (output->overlay)
            ret = tl_overlay_write(output->overlay, record, picture, diag);
        else if (output->map)
            ret = tl_map_write(output->map, record, diag);
    }
    return ret;
}

int tl_outputs_commit(TlOutputs *outputs, TlDiag *diag)
{
    int ret = TL_OK;

    for (int i = 0; i < outputs->count && ret == TL_OK; i++) {
        TlOutput *output = &outputs->item[i];
        if (output->writer)
            ret = tl_writer_commit(&output->writer, diag);
        else if (output->overlay)
            ret = tl_overlay_commit(&output->overlay, diag);
        else if (output->map)
            ret = tl_map_commit(&output->map, diag);
    }
    if (ret < 0)
        tl_outputs_abort(outputs);
    return ret;
}

void tl_outputs_abort(TlOutputs *outputs)
{
    for (int i = 0; i < outputs->count; i++) {
        tl_writer_abort(&outputs->item[i].writer);
        tl_overlay_abort(&outputs->item[i].overlay);
        tl_map_abort(&outputs->item[i].map);
    }
}
