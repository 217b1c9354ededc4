// Scene changes: a thumbnail of each picture, compared with the one before.
#ifndef TL_PIPE_SCENE_H
#define TL_PIPE_SCENE_H

#include <touchline/session.h>

enum { TL_SCENE_COLUMNS = 32, TL_SCENE_ROWS = 18, TL_SCENE_CELLS = TL_SCENE_COLUMNS * TL_SCENE_ROWS };

// Legal as {0} = no frame seen yet. Plain data.
typedef struct TlScene {
    int seen;
    uint8_t cell[TL_SCENE_CELLS][3]; ///< mean Y, U, V of each cell of the last picture
    float average;                   ///< running mean of the change per frame, levels
} TlScene;

// 1 when this picture begins a new scene, seen from the one given before; 0 else. A pan or a zoom is no cut; a flash
// that fills the picture is taken for one.
int tl_scene_update(TlScene *scene, const TlPicture *picture);

#endif
