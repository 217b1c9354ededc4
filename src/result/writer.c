// Result writers: the list of formats, the choice by name or ending, and the file behind all of them.
//
// In: records. Out: one file that appears under its name when it is complete. A record is formatted into a buffer that
// keeps its memory and handed to the stream whole; after a failed write only commit (which fails) or abort are left.
#include <touchline/writer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "result/writer_ops.h"

static const TlWriterOps *const formats[] = {
    &tl_writer_jsonl, &tl_writer_sn44, &tl_writer_csv, &tl_writer_mot, &tl_writer_gsr, NULL,
};

struct TlWriter {
    const TlWriterOps *ops;
    void *priv;
    char *path;
    TlOutfile *file;
    TlStrbuf buf;
    TlWriterContext context;
    int failed; ///< code of the first failure
};

const TlWriterFormat *tl_writer_format(int i)
{
    int count = (int)(sizeof formats / sizeof *formats) - 1;
    return i >= 0 && i < count ? &formats[i]->format : NULL;
}

static const TlWriterOps *find_name(const char *name)
{
    for (int i = 0; formats[i]; i++)
        if (!strcasecmp(formats[i]->format.name, name))
            return formats[i];
    return NULL;
}

// Length of the longest of the blank separated suffixes that path ends in, 0 when none.
static size_t suffix_length(const char *suffixes, const char *path)
{
    size_t path_length = strlen(path), best = 0;
    for (const char *at = suffixes; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (length > best && length < path_length && !strncasecmp(path + path_length - length, at, length))
            best = length;
        at += length;
    }
    return best;
}

static const TlWriterOps *find_suffix(const char *path)
{
    const TlWriterOps *found = NULL;
    size_t best = 0;
    for (int i = 0; formats[i]; i++) {
        size_t length = suffix_length(formats[i]->format.suffixes, path);
        if (length > best) {
            best = length;
            found = formats[i];
        }
    }
    return found;
}

static void list_formats(char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; formats[i]; i++) {
        size_t at = strlen(text);
        snprintf(text + at, size - at, "%s%s (%s)", i ? ", " : "", formats[i]->format.name,
                 formats[i]->format.suffixes);
    }
}

static int choose(const TlWriterOps **ops, const TlWriterParams *params, TlDiag *diag)
{
    char list[256];
    if (!params || !params->path || !*params->path)
        return tl_fail(diag, TL_EUSAGE, "the name of the output is empty");
    if (params->format && *params->format)
        *ops = find_name(params->format);
    else
        *ops = strcmp(params->path, "-") ? find_suffix(params->path) : &tl_writer_jsonl;
    if (*ops)
        return TL_OK;
    list_formats(list, sizeof list);
    if (params->format && *params->format)
        return tl_fail(diag, TL_EUSAGE, "unknown format '%s'; there are %s", params->format, list);
    return tl_fail(diag, TL_EUSAGE, "cannot tell the format of '%s' from its ending; there are %s", params->path, list);
}

// Empties the buffer into the stream. A reader at the other end of a pipe gets every record at once.
static int flush(TlWriter *writer, TlDiag *diag)
{
    TlStrbuf *buf = &writer->buf;
    FILE *stream = tl_outfile_stream(writer->file);
    if (buf->failed)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", writer->path);
    errno = 0;
    if ((buf->length && fwrite(buf->data, 1, buf->length, stream) != buf->length) ||
        (!writer->context.is_file && fflush(stream))) {
        int error = errno ? errno : EIO;
        return tl_fail(diag, tl_errno_code(error), "cannot write '%s': %s", writer->path, strerror(error));
    }
    tl_strbuf_clear(buf);
    return TL_OK;
}

static int is_regular(const char *path)
{
    struct stat status;
    return strcmp(path, "-") && (stat(path, &status) < 0 || S_ISREG(status.st_mode));
}

static void destroy(TlWriter **writer)
{
    TlWriter *w = *writer;
    tl_outfile_abort(&w->file);
    tl_strbuf_deinit(&w->buf);
    tl_free(&w->priv);
    tl_free(&w->path);
    tl_free(writer);
}

static int start(TlWriter *w, TlDiag *diag)
{
    int ret = tl_outfile_open(&w->file, w->path, w->context.overwrite, diag);
    if (ret == 0 && w->ops->begin)
        ret = w->ops->begin(w->priv, &w->context, &w->buf, diag);
    if (ret < 0)
        return ret;
    ret = flush(w, diag);
    if (ret < 0 && w->ops->release)
        w->ops->release(w->priv);
    return ret;
}

int tl_writer_open(TlWriter **out, const TlWriterParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    const TlWriterOps *ops = NULL;
    *out = NULL;
    int ret = choose(&ops, params, diag);
    if (ret < 0 || !ops)
        return ret < 0 ? ret : TL_EINTERNAL;
    TlWriter *w = tl_calloc(1, sizeof *w);
    if (!w)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", params->path);
    w->ops = ops;
    w->path = tl_strdup(params->path);
    w->priv = tl_calloc(1, ops->priv_bytes ? ops->priv_bytes : 1);
    w->context = (TlWriterContext){
        .path = w->path,
        .overwrite = params->overwrite,
        .is_file = is_regular(params->path),
        .pitch_length_m = params->pitch_length_m > 0 ? params->pitch_length_m : 105,
        .pitch_width_m = params->pitch_width_m > 0 ? params->pitch_width_m : 68,
    };
    if (info)
        w->context.info = *info;
    if (w->path && w->priv)
        ret = start(w, diag);
    else
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", params->path);
    if (ret < 0)
        destroy(&w);
    *out = w;
    return ret;
}

int tl_writer_write(TlWriter *writer, const TlRecord *record, TlDiag *diag)
{
    if (writer->failed)
        return tl_fail(diag, writer->failed, "'%s' failed earlier", writer->path);
    int ret = writer->ops->record(writer->priv, &writer->context, record, &writer->buf);
    if (ret < 0)
        tl_fail(diag, ret, "out of memory for the output '%s'", writer->path);
    else
        ret = flush(writer, diag);
    writer->failed = ret;
    return ret;
}

// Everything that can fail for want of space fails before the first file gets its name.
static int finish(TlWriter *w, TlDiag *diag)
{
    int ret = TL_OK;
    if (w->failed)
        return tl_fail(diag, w->failed, "'%s' failed earlier", w->path);
    if (w->ops->end)
        ret = w->ops->end(w->priv, &w->context, &w->buf, diag);
    if (ret == 0)
        ret = flush(w, diag);
    if (ret < 0 || !w->ops->publish)
        return ret;
    errno = 0;
    if (fflush(tl_outfile_stream(w->file))) {
        int error = errno ? errno : EIO;
        return tl_fail(diag, tl_errno_code(error), "cannot write '%s': %s", w->path, strerror(error));
    }
    return w->ops->publish(w->priv, diag);
}

int tl_writer_commit(TlWriter **writer, TlDiag *diag)
{
    TlWriter *w = *writer;
    if (!w)
        return TL_OK;
    int ret = finish(w, diag);
    if (ret == 0)
        ret = tl_outfile_commit(&w->file, diag);
    tl_writer_abort(writer);
    return ret;
}

void tl_writer_abort(TlWriter **writer)
{
    if (!*writer)
        return;
    if ((*writer)->ops->release)
        (*writer)->ops->release((*writer)->priv);
    destroy(writer);
}
