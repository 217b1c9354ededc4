// The script of the scripted backend: a text file that stands in for a network, so that the whole program runs in tests
// with answers that are known beforehand.
//
//     touchline-script 1
//     head centers               centers (players) or points (pitch)
//     size 640 384               network input in pixels
//     source 1280 720            optional: coordinates below are pixels of such a picture, else of the network input
//     stride 4                   optional: pixels per cell of the heat maps, default 4 (centers) or 8 (points)
//     thresholds ball=0.3        optional: becomes the metadata touchline.thresholds
//     tallest 0.25               optional: becomes the metadata touchline.tallest
//     delay_us 2000              optional: every request takes at least this long
//     loop                       optional: begins again after the last frame; without it later replies are empty
//     frame                      reply to the next sample ("frame N": to sample N from 0; those left out are empty)
//     box player 10 20 30 80 0.9     class x1 y1 x2 y2 score
//     point 13 320 40.5 0.95         index x y confidence
//     nan                        the reply is nothing but NaN
//     fail                       the request fails
//
// '#' begins a comment. Sample k is the k-th one submitted, over all slots.
#ifndef TL_INFER_SCRIPT_H
#define TL_INFER_SCRIPT_H

#include "infer/infer.h"

enum TlScriptHead { TL_SCRIPT_CENTERS = 0, TL_SCRIPT_POINTS };

typedef struct TlScriptItem {
    int index;  ///< enum TlClass or point index
    float v[5]; ///< x1,y1,x2,y2,score or x,y,confidence
} TlScriptItem;

typedef struct TlScriptFrame {
    int first, count; ///< into items
    int nan, fail;
} TlScriptFrame;

typedef struct TlScript {
    int head; ///< enum TlScriptHead
    int width, height, stride;
    int source_width, source_height; ///< 0 = coordinates are network pixels
    int loop;
    int64_t delay_us;
    char thresholds[256], tallest[16];
    TlScriptFrame *frames;
    int frame_count, frame_capacity;
    TlScriptItem *items;
    int item_count, item_capacity;
} TlScript;

// 1 when the file begins like a script.
int tl_script_detect(const char *data, size_t size);

// Reads a script; on failure (TL_EMODEL with the line, TL_ENOMEM) nothing is left behind.
TL_NODISCARD int tl_script_parse(TlScript *script, const char *data, size_t size, const char *path, TlDiag *diag);
void tl_script_deinit(TlScript *script);

// Same from a file: TL_ENOENT, TL_EIO, TL_ELIMIT (> 64 MiB).
TL_NODISCARD int tl_script_load(TlScript *script, const char *path, TlDiag *diag);

// Metadata as the house network of that head has it, plus the key touchline.script.
TL_NODISCARD int tl_script_meta(TlModelMeta *meta, const char *data, size_t size, const char *path, TlDiag *diag);

#endif
