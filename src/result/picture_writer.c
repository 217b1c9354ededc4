// Answers for single pictures as JSON lines: the format of `touchline detect`.
//
// In: the record of one picture, its name and size. Out: one JSON object a line in a file that appears when complete.
#include <touchline/writer.h>

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "base/strbuf.h"

struct TlPictureWriter {
    TlOutfile *file;
    TlStrbuf line;
};

int tl_picture_writer_open(TlPictureWriter **out, const char *path, int overwrite, TlDiag *diag)
{
    *out = NULL;
    TlPictureWriter *writer = tl_calloc(1, sizeof *writer);
    if (!writer)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", path);
    int ret = tl_outfile_open(&writer->file, path, overwrite, diag);
    if (ret < 0) {
        tl_free(&writer);
        return ret;
    }
    *out = writer;
    return TL_OK;
}

static void numbers(TlStrbuf *line, const double *values, int count, const int *decimals)
{
    tl_strbuf_char(line, '[');
    for (int i = 0; i < count; i++) {
        if (i)
            tl_strbuf_char(line, ',');
        tl_strbuf_fixed(line, values[i], decimals[i]);
    }
    tl_strbuf_char(line, ']');
}

static void append_object(TlStrbuf *line, const TlObject *object)
{
    static const int decimals[4] = {2, 2, 2, 2};
    const double box[4] = {object->bbox[0], object->bbox[1], object->bbox[2], object->bbox[3]};

    tl_strbuf_str(line, "{\"class_id\":");
    tl_strbuf_int(line, object->class_id);
    tl_strbuf_str(line, ",\"bbox\":");
    numbers(line, box, 4, decimals);
    tl_strbuf_str(line, ",\"score\":");
    tl_strbuf_fixed(line, object->score, 4);
    tl_strbuf_char(line, '}');
}

static void append_record(TlStrbuf *line, const TlRecord *record)
{
    static const int point_decimals[3] = {2, 2, 4};
    static const int matrix_decimals[9] = {9, 9, 9, 9, 9, 9, 9, 9, 9};

    tl_strbuf_str(line, ",\"objects\":[");
    for (int i = 0; i < record->object_count; i++) {
        if (i)
            tl_strbuf_char(line, ',');
        append_object(line, &record->objects[i]);
    }
    tl_strbuf_str(line, "],\"keypoints\":[");
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const double point[3] = {record->points[i].x, record->points[i].y, record->points[i].confidence};
        if (i)
            tl_strbuf_char(line, ',');
        numbers(line, point, 3, point_decimals);
    }
    tl_strbuf_str(line, "],\"homography\":");
    if (record->has_homography)
        numbers(line, record->homography, 9, matrix_decimals);
    else
        tl_strbuf_str(line, "null");
    tl_strbuf_str(line, "}\n");
}

int tl_picture_writer_write(TlPictureWriter *writer, const char *image, int width, int height, const TlRecord *record,
                            TlDiag *diag)
{
    TlStrbuf *line = &writer->line;

    tl_strbuf_clear(line);
    tl_strbuf_str(line, "{\"image\":");
    tl_strbuf_json(line, image);
    tl_strbuf_printf(line, ",\"width\":%d,\"height\":%d", width, height);
    append_record(line, record);
    if (line->failed)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the answer to '%s'", image);
    if (fwrite(line->data, 1, line->length, tl_outfile_stream(writer->file)) != line->length)
        return tl_fail(diag, tl_errno_code(errno), "cannot write the output: %s", strerror(errno));
    return TL_OK;
}

int tl_picture_writer_commit(TlPictureWriter **writer, TlDiag *diag)
{
    if (!writer || !*writer)
        return TL_OK;
    int ret = tl_outfile_commit(&(*writer)->file, diag);
    tl_picture_writer_abort(writer);
    return ret;
}

void tl_picture_writer_abort(TlPictureWriter **writer)
{
    if (!writer || !*writer)
        return;
    tl_outfile_abort(&(*writer)->file);
    tl_strbuf_deinit(&(*writer)->line);
    tl_free(writer);
}
