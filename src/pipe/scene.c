// Scene changes. In: pictures in order; out: whether a new scene begins.
//
// Each picture is reduced to 32x18 cells of sparse samples. Between two pictures of one shot a cell finds its like
// within one cell's distance, however the camera pans; after a cut it does not. The change is the mean over cells of
// the smallest colour distance to the 3x3 neighbours in the picture before, and a cut needs it to be large both in
// itself and against the running mean of the shot.
#include "pipe/scene.h"

#include <stdlib.h>

static const float CUT_LEVELS = 14.0f; // mean best distance (Y + U + V levels) of a cut
static const float CUT_RATIO = 3.5f;   // and this much above the shot's own mean

// Mean of 4x4 samples spread over the cell: enough to tell scenes apart, and it touches few cache lines.
static uint8_t cell_mean(const uint8_t *plane, int stride, int x0, int y0, int w, int h)
{
    int sum = 0;
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++)
            sum += plane[(y0 + h * (2 * j + 1) / 8) * stride + x0 + w * (2 * i + 1) / 8];
    return (uint8_t)(sum / 16);
}

static void thumbnail(const TlPicture *picture, uint8_t (*cell)[3])
{
    for (int r = 0; r < TL_SCENE_ROWS; r++) {
        for (int c = 0; c < TL_SCENE_COLUMNS; c++) {
            for (int p = 0; p < 3; p++) {
                int w = p ? (picture->width + 1) / 2 : picture->width,
                    h = p ? (picture->height + 1) / 2 : picture->height;
                int x0 = w * c / TL_SCENE_COLUMNS, x1 = w * (c + 1) / TL_SCENE_COLUMNS;
                int y0 = h * r / TL_SCENE_ROWS, y1 = h * (r + 1) / TL_SCENE_ROWS;
                cell[r * TL_SCENE_COLUMNS + c][p] = cell_mean(picture->plane[p], picture->stride[p], x0, y0,
                                                              x1 > x0 ? x1 - x0 : 1, y1 > y0 ? y1 - y0 : 1);
            }
        }
    }
}

static int best_distance(const uint8_t (*before)[3], const uint8_t *now, int c, int r)
{
    int best = 3 * 255;
    for (int dr = -1; dr <= 1; dr++) {
        for (int dc = -1; dc <= 1; dc++) {
            int rr = r + dr, cc = c + dc;
            if (rr < 0 || cc < 0 || rr >= TL_SCENE_ROWS || cc >= TL_SCENE_COLUMNS)
                continue;
            const uint8_t *b = before[rr * TL_SCENE_COLUMNS + cc];
            int d = abs(now[0] - b[0]) + abs(now[1] - b[1]) + abs(now[2] - b[2]);
            best = d < best ? d : best;
        }
    }
    return best;
}

int tl_scene_update(TlScene *scene, const TlPicture *picture)
{
    uint8_t now[TL_SCENE_CELLS][3];
    thumbnail(picture, now);
    int cut = 0;
    if (scene->seen) {
        int sum = 0;
        for (int r = 0; r < TL_SCENE_ROWS; r++)
            for (int c = 0; c < TL_SCENE_COLUMNS; c++)
                sum += best_distance((const uint8_t(*)[3])scene->cell, now[r * TL_SCENE_COLUMNS + c], c, r);
        float change = (float)sum / (float)TL_SCENE_CELLS;
        cut = change > CUT_LEVELS && change > CUT_RATIO * scene->average + 4.0f;
        scene->average = cut ? 0.0f : 0.8f * scene->average + 0.2f * change;
    }
    for (int i = 0; i < TL_SCENE_CELLS; i++)
        for (int p = 0; p < 3; p++)
            scene->cell[i][p] = now[i][p];
    scene->seen = 1;
    return cut;
}
