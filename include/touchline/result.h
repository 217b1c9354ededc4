// The record of a frame: what libtouchline answers, in plain data.
//
// Picture coordinates are source pixels of the displayed picture (rotation applied), origin at the outer
// corner of the top left pixel, x right, y down. Pitch coordinates are metres by the laws of the game,
// origin at pitch point 0 (far left corner as a broadcast camera sees it), x 0..105 along the length,
// y 0..68 towards the camera.
#ifndef TOUCHLINE_RESULT_H
#define TOUCHLINE_RESULT_H

#include <stdint.h>

#include <touchline/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TL_POINT_COUNT = 32, ///< pitch points of a frame, order of the subnet protocol and the Roboflow pitch
    TL_OBJECT_MAX = 128, ///< most objects of one frame; MAX_DETECTIONS is cut to it
};

enum TlClass { TL_CLASS_BALL = 0, TL_CLASS_GOALKEEPER = 1, TL_CLASS_PLAYER = 2, TL_CLASS_REFEREE = 3, TL_CLASS_COUNT };

typedef struct TlObject {
    int32_t id;       ///< track id, stable over the clip, unique within a frame, from 1; -1 without tracking
    int32_t class_id; ///< enum TlClass
    float bbox[4];    ///< x1,y1,x2,y2 in source pixels, inside the picture
    float score;      ///< 0..1; of a filled box: the lower of its two neighbours
    float pitch[2];   ///< foot point (of the ball: its centre) on the pitch in metres; valid when has_pitch
    uint8_t has_pitch;
    uint8_t filled; ///< 1 when the box was interpolated and not detected in this very frame
    uint8_t team;   ///< 1 or 2, never the other one for the same id; 0 not known, or neither team's
} TlObject;

typedef struct TlPoint {
    float x, y;       ///< source pixels; 0,0 with confidence 0 when the point is not seen
    float confidence; ///< 0..1
} TlPoint;

typedef struct TlRecord {
    int64_t frame;  ///< index of the frame in the source, from 0, decode (display) order
    double time_s;  ///< presentation time in seconds from the first frame
    uint8_t filled; ///< 1 when the networks did not run on this frame
    uint8_t has_homography;
    uint8_t left_team; ///< 1 or 2: the team that defends the goal at x = 0; 0 not known
    int32_t object_count;
    TlObject objects[TL_OBJECT_MAX]; ///< ascending id
    TlPoint points[TL_POINT_COUNT];
    double homography[9]; ///< picture -> pitch in metres, row by row, homography[8] == 1 or unit norm
    // The same camera with its lens, which no homography can follow (docs/coordinates.md). lens 0: there is none, and
    // straight is not used.
    double lens;        ///< a place at r picture widths from the middle straightens to r / (1 + lens r^2)
    double straight[9]; ///< straightened picture -> pitch in metres
} TlRecord;

// What is known of the source and of the settings that made the records; head line of our own formats.
typedef struct TlStreamInfo {
    int width, height;            ///< picture size of all coordinates, pixels
    double fps;                   ///< average frame rate, 0 when unknown
    int sar_num, sar_den;         ///< width:height of a pixel when shown; 0 unknown = square. Coordinates ignore it
    int64_t frame_count_estimate; ///< from the container, 0 when unknown: for progress only
    char source[1024];            ///< as given by the user
    char player_model[256], pitch_model[256];
    char settings[1024]; ///< "name=value" pairs that differ from the defaults, blank separated
} TlStreamInfo;

// "ball", "goalkeeper", "player", "referee"; "unknown" for anything else. Thread-safety: safe.
TL_API const char *tl_class_name(int class_id);

#ifdef __cplusplus
}
#endif
#endif
