// Pitch map: where everybody was, seen from above.
//
// In: records in order. Out: a PNG of the whole clip (paths that fade with age, last positions as discs with ids, the
// path of the ball) or an H.264 radar film with short tails. Positions are kept in one block of fixed size; when it is
// full, every second moment is given up (PNG) or the oldest are forgotten (film), so a whole match needs no more
// memory.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <touchline/render.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "media/media.h"
#include "render/map_draw.h"

enum { SAMPLE_MAX = 1 << 18 };
#define TAIL_S        2.0  // of the film
#define GAP_S         1.5  // a longer absence breaks a path
#define JUMP_MPS      14.0 // nobody runs faster; a faster move is a change of camera or of identity
#define BALL_JUMP_MPS 45.0

typedef struct Sample {
    float time_s, pitch[2];
    int32_t id;
    int16_t class_id;
    int16_t team;
} Sample;

struct TlMap {
    TlOutfile *file;    ///< PNG
    TlEncoder *encoder; ///< film
    TlMapSheet sheet;
    Sample *sample;
    int count;
    int64_t every, records; ///< of the PNG every n-th record is kept
    float first_s, last_s;
    int has_teams, left_team; ///< the last one known
    uint8_t *plane[3];
};

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcasecmp(text + n - m, end);
}

static int open_output(TlMap *map, const TlRenderParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    if (!ends_with(params->path, ".mp4"))
        return tl_outfile_open(&map->file, params->path, params->overwrite, diag);
    TlStreamInfo film = *info;
    film.width = TL_MAP_WIDTH;
    film.height = TL_MAP_HEIGHT;
    film.sar_num = film.sar_den = 0;
    for (int i = 0; i < 3; i++) {
        map->plane[i] = tl_calloc((size_t)TL_MAP_WIDTH * TL_MAP_HEIGHT / (i ? 4 : 1), 1);
        if (!map->plane[i])
            return tl_fail(diag, TL_ENOMEM, "out of memory for the pitch map");
    }
    const TlEncoderParams encoder = {.path = params->path, .overwrite = params->overwrite};
    return tl_encoder_open(&map->encoder, &encoder, &film, diag);
}

int tl_map_open(TlMap **out, const TlRenderParams *params, const TlStreamInfo *info, TlDiag *diag)
{
    *out = NULL;
    if (!params || !params->path || !params->path[0])
        return tl_fail(diag, TL_EUSAGE, "a pitch map needs a file name");
    if (!ends_with(params->path, ".mp4") && !ends_with(params->path, ".png"))
        return tl_fail(diag, TL_EUSAGE, "a pitch map ends in .png or .mp4, not '%s'", params->path);
    TlMap *map = tl_calloc(1, sizeof(*map));
    if (!map)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the pitch map");
    map->every = 1;
    map->sample = tl_calloc(SAMPLE_MAX, sizeof(*map->sample));
    if (!map->sample || tl_map_sheet_init(&map->sheet, params->pitch_length_m, params->pitch_width_m) < 0) {
        tl_map_abort(&map);
        return tl_fail(diag, TL_ENOMEM, "out of memory for the pitch map");
    }
    int ret = open_output(map, params, info, diag);
    if (ret < 0) {
        tl_map_abort(&map);
        return ret;
    }
    *out = map;
    return TL_OK;
}

// Makes room: the film forgets, the picture thins out to every second moment.
static void make_room(TlMap *map)
{
    int kept = 0;
    if (map->encoder) {
        kept = map->count / 4;
        memmove(map->sample, map->sample + map->count - kept, (size_t)kept * sizeof(*map->sample));
    } else {
        int odd = 0;
        for (int i = 0; i < map->count; i++) {
            if (i > 0 && map->sample[i].time_s != map->sample[i - 1].time_s)
                odd = !odd;
            if (!odd)
                map->sample[kept++] = map->sample[i];
        }
        map->every *= 2;
    }
    map->count = kept;
}

static void keep(TlMap *map, const TlRecord *record)
{
    int count = record->object_count < 0               ? 0
                : record->object_count > TL_OBJECT_MAX ? TL_OBJECT_MAX
                                                       : record->object_count;
    if (map->count + count > SAMPLE_MAX)
        make_room(map);
    for (int i = 0; i < count; i++) {
        const TlObject *object = &record->objects[i];
        if (!object->has_pitch || !tl_map_inside(&map->sheet, object->pitch) || object->class_id < 0 ||
            object->class_id >= TL_CLASS_COUNT)
            continue;
        map->sample[map->count++] = (Sample){.time_s = map->last_s,
                                             .pitch = {object->pitch[0], object->pitch[1]},
                                             .id = object->id,
                                             .class_id = (int16_t)object->class_id,
                                             .team = object->team};
        map->has_teams |= object->team != 0;
    }
}

// Whether the way from a to b can be one run of one object.
static int one_run(const Sample *a, const Sample *b, double step_s)
{
    double dt = b->time_s - a->time_s, dx = b->pitch[0] - a->pitch[0], dy = b->pitch[1] - a->pitch[1];
    double most = a->class_id == TL_CLASS_BALL ? BALL_JUMP_MPS : JUMP_MPS;
    return a->id == b->id && a->class_id == b->class_id && dt > 0 && dt <= fmax(GAP_S, 3 * step_s) &&
           sqrt(dx * dx + dy * dy) <= most * fmax(dt, 0.04) + 0.3;
}

static int by_track(const void *p, const void *q)
{
    const Sample *a = p, *b = q;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    if (a->time_s != b->time_s)
        return a->time_s < b->time_s ? -1 : 1;
    return a->pitch[0] < b->pitch[0] ? -1 : a->pitch[0] > b->pitch[0];
}

static TlMapMark mark_of(const Sample *s)
{
    return (TlMapMark){.class_id = s->class_id, .team = s->team, .id = s->id};
}

// Whoever has a team in the end had it all the time. The samples are in order of tracks.
static void spread_teams(TlMap *map)
{
    int team = 0;
    for (int i = map->count - 1; i >= 0; i--) {
        Sample *s = &map->sample[i];
        if (i + 1 == map->count || s[1].id != s->id || s->id < 0)
            team = 0;
        team = team ? team : s->team;
        s->team = (int16_t)team;
    }
}

// The whole clip: paths, the older the fainter, then discs of whoever was there in the last second that had anybody.
static void draw_clip(TlMap *map)
{
    double span = fmax(map->last_s - map->first_s, 0.04), step = 0.04 * (double)map->every, latest = -1e30;
    for (int i = 0; i < map->count; i++)
        latest = fmax(latest, map->sample[i].time_s);
    qsort(map->sample, (size_t)map->count, sizeof(*map->sample), by_track);
    spread_teams(map);
    for (int ball = 0; ball < 2; ball++)
        for (int i = 1; i < map->count; i++) {
            const Sample *a = &map->sample[i - 1], *b = &map->sample[i];
            TlMapMark mark = mark_of(b);
            if ((b->class_id == TL_CLASS_BALL) == ball && one_run(a, b, step))
                tl_map_piece(&map->sheet, a->pitch, b->pitch, &mark, 0.08 + 0.72 * (b->time_s - map->first_s) / span);
        }
    for (int ball = 0; ball < 2; ball++)
        for (int i = 0; i < map->count; i++) {
            const Sample *s = &map->sample[i];
            int last = i + 1 == map->count || s[1].id != s->id || s->id < 0;
            TlMapMark mark = mark_of(s);
            if (last && (s->class_id == TL_CLASS_BALL) == ball && s->time_s >= latest - (s->id < 0 ? 0 : 1))
                tl_map_disc(&map->sheet, s->pitch, &mark);
        }
    char text[96];
    snprintf(text, sizeof(text), "%lld frame%s  %.1f s", (long long)map->records, map->records == 1 ? "" : "s",
             map->last_s - map->first_s);
    tl_map_legend(&map->sheet, text, map->has_teams, map->left_team);
}

// One picture of the film.
static void draw_moment(TlMap *map, const TlRecord *record)
{
    tl_map_sheet_clear(&map->sheet);
    int first = map->count;
    while (first > 0 && map->sample[first - 1].time_s >= map->last_s - TAIL_S)
        first--;
    for (int i = first; i < map->count; i++) {
        const Sample *b = &map->sample[i];
        for (int k = i - 1; k >= first && k > i - 3 * TL_OBJECT_MAX; k--) { // the same object a moment before
            const Sample *a = &map->sample[k];
            if (a->id != b->id || b->id < 0)
                continue;
            TlMapMark mark = mark_of(b);
            if (one_run(a, b, 0.04))
                tl_map_piece(&map->sheet, a->pitch, b->pitch, &mark, 0.7 * (1 - (map->last_s - b->time_s) / TAIL_S));
            break;
        }
    }
    for (int ball = 0; ball < 2; ball++)
        for (int i = map->count - 1; i >= first && map->sample[i].time_s == map->last_s; i--) {
            TlMapMark mark = mark_of(&map->sample[i]);
            if ((mark.class_id == TL_CLASS_BALL) == ball)
                tl_map_disc(&map->sheet, map->sample[i].pitch, &mark);
        }
    char text[96];
    snprintf(text, sizeof(text), "frame %lld  %.2f s", (long long)record->frame, (double)map->last_s);
    tl_map_legend(&map->sheet, text, map->has_teams, map->left_team);
}

// RGB24 of cairo -> 4:2:0, BT.709 limited range.
static void to_planes(TlMap *map, TlPicture *picture)
{
    cairo_surface_flush(map->sheet.surface);
    const uint8_t *data = cairo_image_surface_get_data(map->sheet.surface);
    int stride = cairo_image_surface_get_stride(map->sheet.surface);
    for (int y = 0; y < TL_MAP_HEIGHT; y += 2)
        for (int x = 0; x < TL_MAP_WIDTH; x += 2) {
            int sum[3] = {0};
            for (int k = 0; k < 4; k++) {
                uint32_t p;
                memcpy(&p, data + (ptrdiff_t)(y + k / 2) * stride + (ptrdiff_t)(x + k % 2) * 4, sizeof(p));
                int r = (int)(p >> 16 & 255), g = (int)(p >> 8 & 255), b = (int)(p & 255);
                map->plane[0][(y + k / 2) * TL_MAP_WIDTH + x + k % 2] =
                    (uint8_t)(16 + ((11966 * r + 40254 * g + 4064 * b + 32768) >> 16));
                sum[0] += r, sum[1] += g, sum[2] += b;
            }
            int at = y / 2 * (TL_MAP_WIDTH / 2) + x / 2;
            map->plane[1][at] = (uint8_t)(128 + ((-6596 * sum[0] - 22189 * sum[1] + 28784 * sum[2] + 131072) >> 18));
            map->plane[2][at] = (uint8_t)(128 + ((28784 * sum[0] - 26145 * sum[1] - 2639 * sum[2] + 131072) >> 18));
        }
    *picture = (TlPicture){.width = TL_MAP_WIDTH,
                           .height = TL_MAP_HEIGHT,
                           .plane = {map->plane[0], map->plane[1], map->plane[2]},
                           .stride = {TL_MAP_WIDTH, TL_MAP_WIDTH / 2, TL_MAP_WIDTH / 2}};
}

int tl_map_write(TlMap *map, const TlRecord *record, TlDiag *diag)
{
    double time_s = isfinite(record->time_s) && fabs(record->time_s) < 1e7 ? record->time_s : map->last_s;
    if (map->records == 0)
        map->first_s = (float)time_s;
    map->last_s = (float)time_s;
    map->left_team = record->left_team ? record->left_team : map->left_team;
    if (map->encoder || map->records % map->every == 0)
        keep(map, record);
    map->records++;
    if (!map->encoder)
        return TL_OK;
    TlPicture picture;
    draw_moment(map, record);
    to_planes(map, &picture);
    return tl_encoder_write(map->encoder, &picture, time_s, diag);
}

static cairo_status_t write_bytes(void *opaque, const unsigned char *data, unsigned length)
{
    return fwrite(data, 1, length, opaque) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static int commit_picture(TlMap *map, TlDiag *diag)
{
    draw_clip(map);
    cairo_surface_flush(map->sheet.surface);
    cairo_status_t status =
        cairo_surface_write_to_png_stream(map->sheet.surface, write_bytes, tl_outfile_stream(map->file));
    if (status == CAIRO_STATUS_NO_MEMORY) {
        tl_outfile_abort(&map->file);
        return tl_fail(diag, TL_ENOMEM, "out of memory for the pitch map");
    }
    // a failed write shows again at commit, with the reason the system gives
    return tl_outfile_commit(&map->file, diag);
}

static void destroy(TlMap **map)
{
    tl_map_sheet_deinit(&(*map)->sheet);
    for (int i = 0; i < 3; i++)
        tl_free(&(*map)->plane[i]);
    tl_free(&(*map)->sample);
    tl_free(map);
}

int tl_map_commit(TlMap **map, TlDiag *diag)
{
    if (!map || !*map)
        return TL_OK;
    int ret = (*map)->encoder ? tl_encoder_commit(&(*map)->encoder, diag) : commit_picture(*map, diag);
    destroy(map);
    return ret;
}

void tl_map_abort(TlMap **map)
{
    if (!map || !*map)
        return;
    if ((*map)->encoder)
        tl_encoder_abort(&(*map)->encoder);
    if ((*map)->file)
        tl_outfile_abort(&(*map)->file);
    destroy(map);
}
