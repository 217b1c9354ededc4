// Pieces of JSON that several of our files share. All numbers are finite: what is not becomes 0 or null.
#ifndef TL_RESULT_JSON_PARTS_H
#define TL_RESULT_JSON_PARTS_H

#include <touchline/result.h>

#include "base/strbuf.h"

enum { TL_DECIMALS_PX = 2, TL_DECIMALS_SCORE = 4, TL_DECIMALS_M = 3 };

// Ten significant digits, locale-free: for values whose size is not known beforehand. Not finite = 0.
void tl_json_double(TlStrbuf *buf, double value);
// As tl_strbuf_fixed, but huge values get an exponent: parsers refuse whole numbers beyond 64 bits.
void tl_json_fixed(TlStrbuf *buf, double value, int decimals);
void tl_json_numbers(TlStrbuf *buf, const float *value, int count, int decimals); // [a,b,...]
void tl_json_points(TlStrbuf *buf, const TlPoint points[TL_POINT_COUNT]);         // [[x,y,confidence],...]
void tl_json_homography(TlStrbuf *buf, const TlRecord *record);                   // [9 numbers] or null
// ,"camera":{"lens":k,"straight":[9]} when the record has a lens, else nothing.
void tl_json_camera(TlStrbuf *buf, const TlRecord *record);
const char *tl_json_bool(int value);

// Objects of a record that may be written: 0..TL_OBJECT_MAX whatever object_count says.
int tl_record_objects(const TlRecord *record);
int tl_object_on_pitch(const TlObject *object); // has_pitch and finite
void tl_json_team(TlStrbuf *buf, int team);     // 1, 2 or null
// "left" or "right": the side of the picture on which a team defends; NULL when that is not known.
const char *tl_team_side(int left_team, int team);

#endif
