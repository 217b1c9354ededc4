// The reply body of the subnet, piece by piece: for a file and for an HTTP answer that is sent while it is made.
//
//     tl_sn44_head(&buf, challenge_id);
//     for (...) tl_sn44_frame(&buf, record, i == 0);
//     tl_sn44_tail(&buf, seconds);
//
// Together {"challenge_id":...,"frames":[{"frame_number","keypoints":[[x,y]
// x32],"objects":[{"id","bbox","class_id"}]}], "processing_time":...}: the time comes last because it is known last.
// Two decimals (the validator rounds to that), [0,0] for points that are not seen, never NaN.
#ifndef TL_RESULT_SN44_JSON_H
#define TL_RESULT_SN44_JSON_H

#include <touchline/result.h>

#include "base/strbuf.h"

void tl_sn44_head(TlStrbuf *buf, const char *challenge_id);       // as text, NULL = null
void tl_sn44_head_number(TlStrbuf *buf, const char *json_number); // a challenge_id that came as a number
void tl_sn44_frame(TlStrbuf *buf, const TlRecord *record, int first);
void tl_sn44_tail(TlStrbuf *buf, double processing_time_s);

#endif
