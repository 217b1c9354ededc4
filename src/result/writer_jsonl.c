// JSON Lines, our own format: a head line, then one object a frame.
//
// {"touchline","format":1,"source","width","height","fps","player_model","pitch_model","settings"}
// {"frame","time","filled","left_team","objects":[{"id","class","class_id","bbox","score","filled","pitch","team"}],
// "keypoints","homography"}
// and "camera":{"lens","straight"} last where the lens is known.
// Pixels with 2 decimals, metres with 3, scores with 4, the homography with 10 significant digits.
#include "result/json_parts.h"
#include "result/writer_ops.h"

static void text_member(TlStrbuf *buf, const char *key, const char *value)
{
    tl_strbuf_str(buf, key);
    tl_strbuf_json(buf, value);
}

static int begin(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    const TlStreamInfo *info = &context->info;
    (void)priv;
    (void)diag;
    text_member(buf, "{\"touchline\":", TL_VERSION);
    text_member(buf, ",\"format\":1,\"source\":", info->source);
    tl_strbuf_str(buf, ",\"width\":");
    tl_strbuf_int(buf, info->width);
    tl_strbuf_str(buf, ",\"height\":");
    tl_strbuf_int(buf, info->height);
    tl_strbuf_str(buf, ",\"fps\":");
    tl_json_fixed(buf, info->fps, 6);
    text_member(buf, ",\"player_model\":", info->player_model);
    text_member(buf, ",\"pitch_model\":", info->pitch_model);
    text_member(buf, ",\"settings\":", info->settings);
    tl_strbuf_str(buf, "}\n");
    return TL_OK;
}

static void append_object(TlStrbuf *buf, const TlObject *object)
{
    tl_strbuf_str(buf, "{\"id\":");
    tl_strbuf_int(buf, object->id);
    tl_strbuf_str(buf, ",\"class\":\"");
    tl_strbuf_str(buf, tl_class_name(object->class_id));
    tl_strbuf_str(buf, "\",\"class_id\":");
    tl_strbuf_int(buf, object->class_id);
    tl_strbuf_str(buf, ",\"bbox\":");
    tl_json_numbers(buf, object->bbox, 4, TL_DECIMALS_PX);
    tl_strbuf_str(buf, ",\"score\":");
    tl_json_fixed(buf, (double)object->score, TL_DECIMALS_SCORE);
    tl_strbuf_str(buf, ",\"filled\":");
    tl_strbuf_str(buf, tl_json_bool(object->filled));
    tl_strbuf_str(buf, ",\"pitch\":");
    if (tl_object_on_pitch(object))
        tl_json_numbers(buf, object->pitch, 2, TL_DECIMALS_M);
    else
        tl_strbuf_str(buf, "null");
    tl_strbuf_str(buf, ",\"team\":");
    tl_json_team(buf, object->team);
    tl_strbuf_char(buf, '}');
}

static int record_line(void *priv, const TlWriterContext *context, const TlRecord *record, TlStrbuf *buf)
{
    (void)priv;
    (void)context;
    tl_strbuf_str(buf, "{\"frame\":");
    tl_strbuf_int(buf, record->frame);
    tl_strbuf_str(buf, ",\"time\":");
    tl_json_fixed(buf, record->time_s, 6);
    tl_strbuf_str(buf, ",\"filled\":");
    tl_strbuf_str(buf, tl_json_bool(record->filled));
    tl_strbuf_str(buf, ",\"left_team\":");
    tl_json_team(buf, record->left_team);
    tl_strbuf_str(buf, ",\"objects\":[");
    for (int i = 0; i < tl_record_objects(record); i++) {
        if (i)
            tl_strbuf_char(buf, ',');
        append_object(buf, &record->objects[i]);
    }
    tl_strbuf_str(buf, "],\"keypoints\":");
    tl_json_points(buf, record->points);
    tl_strbuf_str(buf, ",\"homography\":");
    tl_json_homography(buf, record);
    tl_json_camera(buf, record);
    tl_strbuf_str(buf, "}\n");
    return TL_OK;
}

const TlWriterOps tl_writer_jsonl = {
    .format = {.name = "jsonl",
               .suffixes = ".jsonl .ndjson",
               .help = "JSON Lines: a head line, then one object a frame"},
    .begin = begin,
    .record = record_line,
};
