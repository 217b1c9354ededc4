// CSV with the columns of supervision's CSVSink: its seven, then ours in alphabetical order, as it sorts extra columns.
//
// One row an object; frames without objects have none. Empty fields: no track, not on the pitch, team not known.
// class_id as everywhere (0 ball ... 3 referee), frame_index from 0, metres from pitch point 0.
#include "result/json_parts.h"
#include "result/writer_ops.h"

static int begin(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    (void)priv;
    (void)context;
    (void)diag;
    tl_strbuf_str(buf, "x_min,y_min,x_max,y_max,class_id,confidence,tracker_id,"
                       "class_name,filled,frame_index,pitch_x,pitch_y,side,team,time_s\n");
    return TL_OK;
}

static void append_row(TlStrbuf *buf, const TlRecord *record, const TlObject *object)
{
    int on_pitch = tl_object_on_pitch(object);
    for (int i = 0; i < 4; i++) {
        tl_json_fixed(buf, (double)object->bbox[i], TL_DECIMALS_PX);
        tl_strbuf_char(buf, ',');
    }
    tl_strbuf_int(buf, object->class_id);
    tl_strbuf_char(buf, ',');
    tl_json_fixed(buf, (double)object->score, TL_DECIMALS_SCORE);
    tl_strbuf_char(buf, ',');
    if (object->id >= 0)
        tl_strbuf_int(buf, object->id);
    tl_strbuf_char(buf, ',');
    tl_strbuf_str(buf, tl_class_name(object->class_id));
    tl_strbuf_str(buf, object->filled ? ",1," : ",0,");
    tl_strbuf_int(buf, record->frame);
    for (int i = 0; i < 2; i++) {
        tl_strbuf_char(buf, ',');
        if (on_pitch)
            tl_json_fixed(buf, (double)object->pitch[i], TL_DECIMALS_M);
    }
    const char *side = tl_team_side(record->left_team, object->team);
    tl_strbuf_char(buf, ',');
    tl_strbuf_str(buf, side ? side : "");
    tl_strbuf_str(buf, object->team == 1 ? ",1," : object->team == 2 ? ",2," : ",,");
    tl_json_fixed(buf, record->time_s, 6);
    tl_strbuf_char(buf, '\n');
}

static int record_rows(void *priv, const TlWriterContext *context, const TlRecord *record, TlStrbuf *buf)
{
    (void)priv;
    (void)context;
    for (int i = 0; i < tl_record_objects(record); i++)
        append_row(buf, record, &record->objects[i]);
    return TL_OK;
}

const TlWriterOps tl_writer_csv = {
    .format = {.name = "csv",
               .suffixes = ".csv",
               .help = "table of boxes with supervision's columns, one row an object"},
    .begin = begin,
    .record = record_rows,
};
