// SoccerNet game state predictions: {"predictions":[...]}, one entry a person with a place on the pitch.
//
// bbox_pitch is the feet line (left, middle, right end) in metres from the centre spot, y towards the camera, as in
// SoccerNet/sn-gamestate. A team is the side it defends as the camera sees it, null while that is not known; shirt
// numbers are not known here and null. Persons without a place are left out, for the evaluator refuses null there, and
// so is the ball, which it does not look at. An image_id has ten digits: split, sequence, frame from 1. The split comes
// from a folder SoccerNetGS-<split> in the output's path (else test), the sequence from a file name SNGS-<number> (else
// 001).
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pitch/pitch.h"
#include "result/json_parts.h"
#include "result/writer_ops.h"

typedef struct Gsr {
    int split, sequence;
    int started; ///< an entry was written
} Gsr;

static int find_split(const char *path)
{
    static const char *const names[] = {"train", "valid", "test", "challenge"};
    const char *folder = strstr(path, "SoccerNetGS-");
    if (!folder)
        return 3;
    folder += strlen("SoccerNetGS-");
    for (int i = 0; i < 4; i++)
        if (!strncmp(folder, names[i], strlen(names[i])) && folder[strlen(names[i])] == '/')
            return i + 1;
    return 3;
}

static int find_sequence(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    long number = 0;
    if (!strncmp(name, "SNGS-", 5) && isdigit((unsigned char)name[5]))
        number = strtol(name + 5, NULL, 10);
    return number >= 1 && number <= 999 ? (int)number : 1;
}

static int begin(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    Gsr *gsr = priv;
    (void)diag;
    gsr->split = find_split(context->path);
    gsr->sequence = find_sequence(context->path);
    tl_strbuf_str(buf, "{\"predictions\":[");
    return TL_OK;
}

// A lower corner of the box on the pitch, as seen from the foot point in the middle; that point itself when the corner
// lies above the horizon.
static void foot_corner(const TlRecord *record, const TlObject *object, int side, double out[2])
{
    double x = NAN, y = NAN, middle_x = NAN, middle_y = NAN;
    const float *b = object->bbox;
    if (record->has_homography) {
        tl_homography_apply(record->homography, (double)b[side ? 2 : 0], (double)b[3], &x, &y);
        tl_homography_apply(record->homography, 0.5 * ((double)b[0] + b[2]), (double)b[3], &middle_x, &middle_y);
    }
    int near = fabs(x - middle_x) < 10 && fabs(y - middle_y) < 10; // false for NaN too
    out[0] = (double)object->pitch[0] + (near ? x - middle_x : 0);
    out[1] = (double)object->pitch[1] + (near ? y - middle_y : 0);
}

static void append_place(TlStrbuf *buf, const TlWriterContext *context, const char *name, const double at[2])
{
    tl_strbuf_printf(buf, "\"x_%s\":", name);
    tl_json_fixed(buf, at[0] - context->pitch_length_m / 2, TL_DECIMALS_M);
    tl_strbuf_printf(buf, ",\"y_%s\":", name);
    tl_json_fixed(buf, at[1] - context->pitch_width_m / 2, TL_DECIMALS_M);
}

static void append_boxes(TlStrbuf *buf, const TlWriterContext *context, const TlRecord *record, const TlObject *object)
{
    static const char *const keys[4] = {"{\"x\":", ",\"y\":", ",\"w\":", ",\"h\":"};
    const float *b = object->bbox;
    const double box[4] = {(double)b[0], (double)b[1], (double)b[2] - (double)b[0], (double)b[3] - (double)b[1]};
    const double middle[2] = {(double)object->pitch[0], (double)object->pitch[1]};
    double left[2], right[2];
    tl_strbuf_str(buf, ",\"bbox_image\":");
    for (int i = 0; i < 4; i++) {
        tl_strbuf_str(buf, keys[i]);
        tl_json_fixed(buf, box[i], TL_DECIMALS_PX);
    }
    foot_corner(record, object, 0, left);
    foot_corner(record, object, 1, right);
    tl_strbuf_str(buf, "},\"bbox_pitch\":{");
    append_place(buf, context, "bottom_left", left);
    tl_strbuf_char(buf, ',');
    append_place(buf, context, "bottom_middle", middle);
    tl_strbuf_char(buf, ',');
    append_place(buf, context, "bottom_right", right);
    tl_strbuf_str(buf, "}}");
}

static int record_entries(void *priv, const TlWriterContext *context, const TlRecord *record, TlStrbuf *buf)
{
    Gsr *gsr = priv;
    for (int i = 0; i < tl_record_objects(record); i++) {
        const TlObject *object = &record->objects[i];
        if (object->class_id == TL_CLASS_BALL || !tl_object_on_pitch(object))
            continue;
        tl_strbuf_str(buf, gsr->started ? ",\n" : "\n");
        gsr->started = 1;
        tl_strbuf_printf(buf, "{\"image_id\":\"%d%03d%06lld\",\"track_id\":%d", gsr->split, gsr->sequence,
                         (long long)record->frame + 1, (int)object->id);
        tl_strbuf_str(buf, ",\"supercategory\":\"object\",\"category_id\":1,\"confidence\":");
        tl_json_fixed(buf, (double)object->score, TL_DECIMALS_SCORE);
        const char *side = tl_team_side(record->left_team, object->team);
        tl_strbuf_printf(buf,
                         ",\"attributes\":{\"role\":\"%s\",\"jersey\":null,\"team\":", tl_class_name(object->class_id));
        if (side && object->class_id != TL_CLASS_REFEREE)
            tl_strbuf_json(buf, side);
        else
            tl_strbuf_str(buf, "null");
        tl_strbuf_char(buf, '}');
        append_boxes(buf, context, record, object);
    }
    return TL_OK;
}

static int end(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    (void)priv;
    (void)context;
    (void)diag;
    tl_strbuf_str(buf, "\n]}\n");
    return TL_OK;
}

const TlWriterOps tl_writer_gsr = {
    .format = {.name = "gsr", .suffixes = ".gsr.json", .help = "SoccerNet game state predictions"},
    .priv_bytes = sizeof(Gsr),
    .begin = begin,
    .record = record_entries,
    .end = end,
};
