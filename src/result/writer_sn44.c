// The reply body of the subnet as a file.
//
// Layout: sn44_json.h. A file has no challenge, and its time is written as 0 so that the same input gives the same
// bytes.
#include "result/json_parts.h"
#include "result/sn44_json.h"
#include "result/writer_ops.h"

void tl_sn44_head_number(TlStrbuf *buf, const char *json_number)
{
    tl_strbuf_str(buf, "{\"challenge_id\":");
    tl_strbuf_str(buf, json_number);
    tl_strbuf_str(buf, ",\"frames\":[");
}

void tl_sn44_head(TlStrbuf *buf, const char *challenge_id)
{
    tl_strbuf_str(buf, "{\"challenge_id\":");
    if (challenge_id)
        tl_strbuf_json(buf, challenge_id);
    else
        tl_strbuf_str(buf, "null");
    tl_strbuf_str(buf, ",\"frames\":[");
}

void tl_sn44_frame(TlStrbuf *buf, const TlRecord *record, int first)
{
    tl_strbuf_str(buf, first ? "{\"frame_number\":" : ",{\"frame_number\":");
    tl_strbuf_int(buf, record->frame);
    tl_strbuf_str(buf, ",\"keypoints\":");
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const TlPoint *p = &record->points[i];
        int seen = p->confidence > 0;
        const float xy[2] = {seen ? p->x : 0, seen ? p->y : 0};
        tl_strbuf_char(buf, i ? ',' : '[');
        tl_json_numbers(buf, xy, 2, TL_DECIMALS_PX);
    }
    tl_strbuf_str(buf, "],\"objects\":[");
    for (int i = 0; i < tl_record_objects(record); i++) {
        const TlObject *object = &record->objects[i];
        tl_strbuf_str(buf, i ? ",{\"id\":" : "{\"id\":");
        tl_strbuf_int(buf, object->id);
        tl_strbuf_str(buf, ",\"bbox\":");
        tl_json_numbers(buf, object->bbox, 4, TL_DECIMALS_PX);
        tl_strbuf_str(buf, ",\"class_id\":");
        tl_strbuf_int(buf, object->class_id);
        tl_strbuf_char(buf, '}');
    }
    tl_strbuf_str(buf, "]}");
}

void tl_sn44_tail(TlStrbuf *buf, double processing_time_s)
{
    tl_strbuf_str(buf, "],\"processing_time\":");
    tl_json_fixed(buf, processing_time_s, 3);
    tl_strbuf_str(buf, "}\n");
}

typedef struct Sn44 {
    int started; ///< a frame was written
} Sn44;

static int begin(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    (void)priv;
    (void)context;
    (void)diag;
    tl_sn44_head(buf, NULL);
    return TL_OK;
}

static int record_frame(void *priv, const TlWriterContext *context, const TlRecord *record, TlStrbuf *buf)
{
    Sn44 *sn44 = priv;
    (void)context;
    tl_sn44_frame(buf, record, !sn44->started);
    sn44->started = 1;
    return TL_OK;
}

static int end(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    (void)priv;
    (void)context;
    (void)diag;
    tl_sn44_tail(buf, 0);
    return TL_OK;
}

const TlWriterOps tl_writer_sn44 = {
    .format = {.name = "sn44", .suffixes = ".json", .help = "reply body of subnet 44: one JSON object"},
    .priv_bytes = sizeof(Sn44),
    .begin = begin,
    .record = record_frame,
    .end = end,
};
