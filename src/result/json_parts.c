// Pieces of JSON that several of our files share: numbers, points, homography.
#include "result/json_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void tl_json_double(TlStrbuf *buf, double value)
{
    char text[40];
    int in_point = 0;
    snprintf(text, sizeof text, "%.10g", isfinite(value) ? value : 0);
    // The decimal point of the locale may be any character, of several bytes too.
    for (const char *at = text; *at; at++) {
        int plain = strchr("+-0123456789e", *at) != NULL;
        if (plain)
            tl_strbuf_char(buf, *at);
        else if (!in_point)
            tl_strbuf_char(buf, '.');
        in_point = !plain;
    }
}

void tl_json_fixed(TlStrbuf *buf, double value, int decimals)
{
    if (fabs(value) < 1e15)
        tl_strbuf_fixed(buf, value, decimals);
    else
        tl_json_double(buf, value);
}

void tl_json_numbers(TlStrbuf *buf, const float *value, int count, int decimals)
{
    for (int i = 0; i < count; i++) {
        tl_strbuf_char(buf, i ? ',' : '[');
        tl_json_fixed(buf, (double)value[i], decimals);
    }
    tl_strbuf_char(buf, ']');
}

void tl_json_points(TlStrbuf *buf, const TlPoint points[TL_POINT_COUNT])
{
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const TlPoint *p = &points[i];
        tl_strbuf_str(buf, i ? ",[" : "[[");
        if (p->confidence > 0) {
            tl_json_fixed(buf, (double)p->x, TL_DECIMALS_PX);
            tl_strbuf_char(buf, ',');
            tl_json_fixed(buf, (double)p->y, TL_DECIMALS_PX);
            tl_strbuf_char(buf, ',');
            tl_json_fixed(buf, (double)p->confidence, TL_DECIMALS_SCORE);
        } else {
            tl_strbuf_str(buf, "0,0,0");
        }
        tl_strbuf_char(buf, ']');
    }
    tl_strbuf_char(buf, ']');
}

void tl_json_homography(TlStrbuf *buf, const TlRecord *record)
{
    int valid = record->has_homography;
    for (int i = 0; i < 9; i++)
        valid = valid && isfinite(record->homography[i]);
    if (!valid) {
        tl_strbuf_str(buf, "null");
        return;
    }
    for (int i = 0; i < 9; i++) {
        tl_strbuf_char(buf, i ? ',' : '[');
        tl_json_double(buf, record->homography[i]);
    }
    tl_strbuf_char(buf, ']');
}

void tl_json_camera(TlStrbuf *buf, const TlRecord *record)
{
    int valid = record->has_homography && record->lens != 0 && isfinite(record->lens);
    for (int i = 0; i < 9; i++)
        valid = valid && isfinite(record->homography[i]) && isfinite(record->straight[i]);
    if (!valid)
        return;
    tl_strbuf_str(buf, ",\"camera\":{\"lens\":");
    tl_json_double(buf, record->lens);
    for (int i = 0; i < 9; i++) {
        tl_strbuf_str(buf, i ? "," : ",\"straight\":[");
        tl_json_double(buf, record->straight[i]);
    }
    tl_strbuf_str(buf, "]}");
}

const char *tl_json_bool(int value)
{
    return value ? "true" : "false";
}

int tl_record_objects(const TlRecord *record)
{
    int count = record->object_count;
    return count < 0 ? 0 : count > TL_OBJECT_MAX ? TL_OBJECT_MAX : count;
}

int tl_object_on_pitch(const TlObject *object)
{
    return object->has_pitch && isfinite(object->pitch[0]) && isfinite(object->pitch[1]);
}

static int is_team(int team)
{
    return team == 1 || team == 2;
}

void tl_json_team(TlStrbuf *buf, int team)
{
    if (is_team(team))
        tl_strbuf_int(buf, team);
    else
        tl_strbuf_str(buf, "null");
}

const char *tl_team_side(int left_team, int team)
{
    if (!is_team(left_team) || !is_team(team))
        return NULL;
    return team == left_team ? "left" : "right";
}
