// A miner's answer read back: for `touchline challenge` (is it well formed?) and `touchline score` (what is it worth?).
#ifndef TL_SERVICE_ANSWER_H
#define TL_SERVICE_ANSWER_H

#include <stdint.h>

#include <touchline/result.h>

#include "base/strbuf.h"

enum { TL_ANSWER_FRAMES_MAX = 100000, TL_ANSWER_OBJECTS_MAX = 1000 };

typedef struct TlAnswerObject {
    int64_t id;
    int has_id, class_id; ///< class_id -1: missing or no class of the protocol
    double bbox[4];
} TlAnswerObject;

typedef struct TlAnswerFrame {
    int64_t number;
    int point_count; ///< entries in the answer; only the first 32 are kept
    double point[TL_POINT_COUNT][2];
    int object_count;
    TlAnswerObject *objects; ///< into the answer's pool
} TlAnswerFrame;

// What is wrong with an answer, counted. All 0 = what the protocol asks for.
typedef struct TlAnswerFaults {
    int64_t no_number, repeated, out_of_order; ///< frames
    int64_t missing;                           ///< of 0..expected-1
    int64_t beyond;                            ///< frame numbers above expected-1
    int64_t bad_points;                        ///< frames without exactly 32 pairs
    int64_t bad_boxes, outside;                ///< objects: not four numbers x1<x2, y1<y2; not inside the picture
    int64_t bad_class, no_id, repeated_id;     ///< objects; the same id twice in one frame
    int64_t
        void_points; ///< each makes all keypoints of the answer count 0: no list, above 32 points, player without id
    int no_list;     ///< "frames" is missing or no list: counts as no answer at all
} TlAnswerFaults;

typedef struct TlAnswer {
    char challenge_id[128];
    double processing_time_s; ///< as the miner says it, negative when missing
    int64_t frame_count, object_count;
    TlAnswerFrame *frames; ///< in the order of the answer
    TlAnswerObject *objects;
    TlAnswerFaults faults; ///< those that can be told without the video
} TlAnswer;

// Parses the body. A body that is no JSON object gives TL_EFORMAT, everything else is told in faults. TL_ELIMIT,
// TL_ENOMEM. Also reads a TlRecord file in the subnet's format (`process -o x.json`).
TL_NODISCARD int tl_answer_parse(TlAnswer **out, const char *json, size_t length, TlDiag *diag);
void tl_answer_free(TlAnswer **answer);

// Adds what needs the video: expected frames (0 = unknown: the highest number plus one) and picture size (0 = unknown).
// Frames are sorted by number afterwards and repeated ones dropped.
void tl_answer_check(TlAnswer *answer, int64_t expected_frames, int width, int height);
int64_t tl_answer_fault_count(const TlAnswerFaults *faults);

// One line per kind of fault into text ("3 frames are missing, the first is 17"-like), nothing when there is none.
void tl_answer_describe(const TlAnswerFaults *faults, TlStrbuf *text);

#endif
