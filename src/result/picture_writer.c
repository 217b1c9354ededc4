// Answers for single pictures, one JSON object a line (`touchline detect`).
//
// {"image","width","height","objects":[{"class_id","class","bbox","score","pitch"}],"keypoints":[[x,y,confidence]
// x32],"homography"}
#include <touchline/writer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "result/json_parts.h"

struct TlPictureWriter {
    TlOutfile *file;
    TlStrbuf buf;
    char *path;
    int failed; ///< code of the first failure
};

int tl_picture_writer_open(TlPictureWriter **out, const char *path, int overwrite, TlDiag *diag)
{
    *out = NULL;
    if (!path)
        return tl_fail(diag, TL_EUSAGE, "the name of the output is empty");
    TlPictureWriter *w = tl_calloc(1, sizeof *w);
    if (!w)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", path);
    w->path = tl_strdup(path);
    int ret = w->path ? tl_outfile_open(&w->file, path, overwrite, diag)
                      : tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", path);
    if (ret < 0)
        tl_picture_writer_abort(&w);
    *out = w;
    return ret;
}

static void append_picture(TlStrbuf *buf, const char *image, int width, int height, const TlRecord *record)
{
    tl_strbuf_str(buf, "{\"image\":");
    tl_strbuf_json(buf, image);
    tl_strbuf_str(buf, ",\"width\":");
    tl_strbuf_int(buf, width);
    tl_strbuf_str(buf, ",\"height\":");
    tl_strbuf_int(buf, height);
    tl_strbuf_str(buf, ",\"objects\":[");
    for (int i = 0; i < tl_record_objects(record); i++) {
        const TlObject *object = &record->objects[i];
        tl_strbuf_str(buf, i ? ",{\"class_id\":" : "{\"class_id\":");
        tl_strbuf_int(buf, object->class_id);
        tl_strbuf_str(buf, ",\"class\":");
        tl_strbuf_json(buf, tl_class_name(object->class_id));
        tl_strbuf_str(buf, ",\"bbox\":");
        tl_json_numbers(buf, object->bbox, 4, TL_DECIMALS_PX);
        tl_strbuf_str(buf, ",\"score\":");
        tl_json_fixed(buf, (double)object->score, TL_DECIMALS_SCORE);
        if (record->has_homography) {
            tl_strbuf_str(buf, ",\"pitch\":");
            if (tl_object_on_pitch(object))
                tl_json_numbers(buf, object->pitch, 2, TL_DECIMALS_M);
            else
                tl_strbuf_str(buf, "null");
        }
        tl_strbuf_char(buf, '}');
    }
    tl_strbuf_str(buf, "],\"keypoints\":");
    tl_json_points(buf, record->points);
    tl_strbuf_str(buf, ",\"homography\":");
    tl_json_homography(buf, record);
    tl_json_camera(buf, record);
    tl_strbuf_str(buf, "}\n");
}

int tl_picture_writer_write(TlPictureWriter *writer, const char *image, int width, int height, const TlRecord *record,
                            TlDiag *diag)
{
    TlStrbuf *buf = &writer->buf;
    if (writer->failed)
        return tl_fail(diag, writer->failed, "'%s' failed earlier", writer->path);
    tl_strbuf_clear(buf);
    append_picture(buf, image, width, height, record);
    if (buf->failed) {
        writer->failed = tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", writer->path);
        return writer->failed;
    }
    errno = 0;
    // Flushed each time: whoever reads a pipe waits for pictures, not for kilobytes.
    FILE *stream = tl_outfile_stream(writer->file);
    if (fwrite(buf->data, 1, buf->length, stream) != buf->length || fflush(stream)) {
        int error = errno ? errno : EIO;
        writer->failed = tl_fail(diag, tl_errno_code(error), "cannot write '%s': %s", writer->path, strerror(error));
    }
    return writer->failed;
}

int tl_picture_writer_commit(TlPictureWriter **writer, TlDiag *diag)
{
    TlPictureWriter *w = *writer;
    if (!w)
        return TL_OK;
    int ret = w->failed ? tl_fail(diag, w->failed, "'%s' failed earlier", w->path) : tl_outfile_commit(&w->file, diag);
    tl_picture_writer_abort(writer);
    return ret;
}

void tl_picture_writer_abort(TlPictureWriter **writer)
{
    TlPictureWriter *w = *writer;
    if (!w)
        return;
    tl_outfile_abort(&w->file);
    tl_strbuf_deinit(&w->buf);
    tl_free(&w->path);
    tl_free(writer);
}
