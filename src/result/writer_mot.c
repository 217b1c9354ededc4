// MOTChallenge text: frame,id,left,top,width,height,conf,-1,-1,-1 with frames from 1; and beside it seqinfo.ini and
// SoccerNet's gameinfo.ini, which names the role of every track.
//
// The ball is left out: every row of a MOT file counts as a person. Column 8 is a class to TrackEval, which refuses
// values above 1, so it stays -1. Layouts: motchallenge.net; SoccerNet/sn-tracking for gameinfo.ini (shirt numbers are
// not known here; where the team or its side is not, the role stands alone).
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "result/json_parts.h"
#include "result/writer_ops.h"

enum { TRACKS_AT_FIRST = 1024, TRACKS_MAX = 1 << 18 };

typedef struct Votes {
    uint32_t of[TL_CLASS_COUNT]; ///< frames in which the track had this class
    uint8_t team;                ///< the last one known
} Votes;

typedef struct Mot {
    TlOutfile *seqinfo, *gameinfo; ///< NULL when nothing may lie beside the output
    Votes *votes;                  ///< [capacity], by track id
    int capacity;
    int left_team;  ///< the last one known
    int64_t length; ///< of the sequence: last frame + 1
    char name[256]; ///< of the sequence: file name without its ending
} Mot;

static void sequence_name(char *name, size_t size, const char *path)
{
    static const char *const endings[] = {".mot.txt", ".txt", NULL};
    const char *slash = strrchr(path, '/');
    tl_strcpy(name, size, slash ? slash + 1 : path);
    for (int i = 0; endings[i]; i++) {
        size_t length = strlen(name), ending = strlen(endings[i]);
        if (length > ending && !strcasecmp(name + length - ending, endings[i])) {
            name[length - ending] = '\0';
            break;
        }
    }
    // Python's configparser gives '%' a meaning and ends values at line breaks.
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '%')
            *c = '_';
}

static int open_beside(TlOutfile **file, const TlWriterContext *context, const char *name, TlDiag *diag)
{
    TlStrbuf path = {0};
    const char *slash = strrchr(context->path, '/');
    if (slash)
        tl_strbuf_mem(&path, context->path, (size_t)(slash + 1 - context->path));
    tl_strbuf_str(&path, name);
    int ret = path.failed ? tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", context->path)
                          : tl_outfile_open(file, path.data, context->overwrite, diag);
    tl_strbuf_deinit(&path);
    return ret;
}

static void release(void *priv)
{
    Mot *mot = priv;
    tl_outfile_abort(&mot->seqinfo);
    tl_outfile_abort(&mot->gameinfo);
    tl_free(&mot->votes);
}

static int begin(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    Mot *mot = priv;
    (void)buf;
    if (!context->is_file)
        return TL_OK;
    sequence_name(mot->name, sizeof mot->name, context->path);
    mot->votes = tl_calloc(TRACKS_AT_FIRST, sizeof *mot->votes);
    mot->capacity = TRACKS_AT_FIRST;
    int ret = mot->votes ? TL_OK : tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", context->path);
    if (ret == 0)
        ret = open_beside(&mot->seqinfo, context, "seqinfo.ini", diag);
    if (ret == 0)
        ret = open_beside(&mot->gameinfo, context, "gameinfo.ini", diag);
    if (ret < 0)
        release(mot);
    return ret;
}

// Makes room for a track id; -1 when out of memory.
static int reserve(Mot *mot, int id)
{
    int capacity = mot->capacity;
    while (capacity <= id)
        capacity *= 2;
    if (capacity == mot->capacity)
        return 0;
    Votes *votes = tl_calloc((size_t)capacity, sizeof *votes);
    if (!votes)
        return -1;
    memcpy(votes, mot->votes, (size_t)mot->capacity * sizeof *votes);
    tl_free(&mot->votes);
    mot->votes = votes;
    mot->capacity = capacity;
    return 0;
}

static int vote(Mot *mot, const TlObject *object)
{
    int known = object->class_id >= 0 && object->class_id < TL_CLASS_COUNT;
    if (!mot->votes || !known || object->id < 0 || object->id >= TRACKS_MAX)
        return TL_OK;
    if (reserve(mot, object->id) < 0)
        return TL_ENOMEM;
    mot->votes[object->id].of[object->class_id]++;
    if (object->team)
        mot->votes[object->id].team = object->team;
    return TL_OK;
}

static int record_rows(void *priv, const TlWriterContext *context, const TlRecord *record, TlStrbuf *buf)
{
    Mot *mot = priv;
    (void)context;
    mot->left_team = record->left_team ? record->left_team : mot->left_team;
    mot->length = record->frame + 1 > mot->length ? record->frame + 1 : mot->length;
    for (int i = 0; i < tl_record_objects(record); i++) {
        const TlObject *object = &record->objects[i];
        const float *b = object->bbox;
        if (object->class_id == TL_CLASS_BALL)
            continue;
        if (vote(mot, object) < 0)
            return TL_ENOMEM;
        const double box[4] = {(double)b[0], (double)b[1], (double)b[2] - (double)b[0], (double)b[3] - (double)b[1]};
        tl_strbuf_int(buf, record->frame + 1);
        tl_strbuf_char(buf, ',');
        tl_strbuf_int(buf, object->id);
        for (int k = 0; k < 4; k++) {
            tl_strbuf_char(buf, ',');
            tl_json_fixed(buf, box[k], TL_DECIMALS_PX);
        }
        tl_strbuf_char(buf, ',');
        tl_json_fixed(buf, (double)object->score, TL_DECIMALS_SCORE);
        tl_strbuf_str(buf, ",-1,-1,-1\n");
    }
    return TL_OK;
}

static void append_seqinfo(TlStrbuf *text, const Mot *mot, const TlStreamInfo *info)
{
    tl_strbuf_printf(text, "[Sequence]\nname=%s\nimDir=img1\nframeRate=", mot->name);
    tl_json_fixed(text, info->fps > 0 ? info->fps : 25, 3);
    tl_strbuf_printf(text, "\nseqLength=%lld\nimWidth=%d\nimHeight=%d\nimExt=.jpg\n", (long long)mot->length,
                     info->width, info->height);
}

// The class a track had most often, or -1 when there is no such track.
static int role_of(const Votes *votes)
{
    int best = -1;
    uint32_t most = 0;
    for (int i = 0; i < TL_CLASS_COUNT; i++)
        if (votes->of[i] > most) {
            most = votes->of[i];
            best = i;
        }
    return best;
}

static void append_gameinfo(TlStrbuf *text, const Mot *mot)
{
    int tracks = 0;
    for (int id = 0; id < mot->capacity; id++)
        tracks += role_of(&mot->votes[id]) >= 0;
    tl_strbuf_printf(text, "[Sequence]\nname=%s\nnum_tracklets=%d\n", mot->name, tracks);
    for (int id = 0; id < mot->capacity; id++) {
        int role = role_of(&mot->votes[id]);
        if (role < 0)
            continue;
        int team = role == TL_CLASS_REFEREE ? 0 : mot->votes[id].team;
        const char *side = tl_team_side(mot->left_team, team);
        tl_strbuf_printf(text, "trackletID_%d= %s%s%s;X\n", id, tl_class_name(role), side ? " team " : "",
                         side ? side : "");
    }
}

static int put(TlOutfile *file, TlStrbuf *text, const char *name, TlDiag *diag)
{
    FILE *stream = tl_outfile_stream(file);
    if (text->failed)
        return tl_fail(diag, TL_ENOMEM, "out of memory for '%s'", name);
    errno = 0;
    if (fwrite(text->data, 1, text->length, stream) != text->length || fflush(stream)) {
        int error = errno ? errno : EIO;
        return tl_fail(diag, tl_errno_code(error), "cannot write '%s': %s", name, strerror(error));
    }
    tl_strbuf_clear(text);
    return TL_OK;
}

static int end(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag)
{
    Mot *mot = priv;
    TlStrbuf text = {0};
    (void)buf;
    if (!mot->seqinfo)
        return TL_OK;
    append_seqinfo(&text, mot, &context->info);
    int ret = put(mot->seqinfo, &text, "seqinfo.ini", diag);
    if (ret == 0) {
        append_gameinfo(&text, mot);
        ret = put(mot->gameinfo, &text, "gameinfo.ini", diag);
    }
    tl_strbuf_deinit(&text);
    return ret;
}

static int publish(void *priv, TlDiag *diag)
{
    Mot *mot = priv;
    int ret = tl_outfile_commit(&mot->seqinfo, diag);
    return ret < 0 ? ret : tl_outfile_commit(&mot->gameinfo, diag);
}

const TlWriterOps tl_writer_mot = {
    .format = {.name = "mot",
               .suffixes = ".mot.txt .txt",
               .help = "MOTChallenge rows of all persons, with seqinfo.ini and gameinfo.ini beside them"},
    .priv_bytes = sizeof(Mot),
    .begin = begin,
    .record = record_rows,
    .end = end,
    .publish = publish,
    .release = release,
};
