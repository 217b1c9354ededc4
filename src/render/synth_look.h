// How a synthetic match looks: kits, grass, light, stadium, camera quality. All chosen from the seed.
#ifndef TL_RENDER_SYNTH_LOOK_H
#define TL_RENDER_SYNTH_LOOK_H

#include "render/synth_match.h"
#include "render/synth_random.h"

enum TlPattern {
    TL_PATTERN_PLAIN,
    TL_PATTERN_STRIPES,
    TL_PATTERN_HOOPS,
    TL_PATTERN_HALVES,
    TL_PATTERN_SASH,
    TL_PATTERN_COUNT
};

typedef struct TlKit {
    uint32_t shirt, second, sleeve, shorts, socks, number;
    int pattern;
} TlKit;

enum TlMowing { TL_MOWING_ACROSS, TL_MOWING_CHECKS, TL_MOWING_RINGS, TL_MOWING_NONE, TL_MOWING_COUNT };

// Light on figures: how much, from where, and what shadows it throws.
typedef struct TlLight {
    int sources;                      ///< 0 = overcast, 1 = sun, 4 = floodlights
    double shift[4][2];               ///< metres of shadow per metre of height
    double depth[4];                  ///< darkness of each shadow, 0..1
    int half_shade;                   ///< the roof's shadow lies over a part of the pitch
    double shade_line_y, shade_slope; ///< shaded where y > line + slope * (x - 52.5), or < when shade_far
    int shade_far;
    double shade_factor; ///< light left in the shade
    double exposure;     ///< of everything
} TlLight;

typedef struct TlPerson {
    uint32_t skin, hair, boots;
    double height_m, bulk;
    int number;
} TlPerson;

typedef struct TlLook {
    TlKit kit[5]; ///< team 0, team 1, keeper 0, keeper 1, officials
    TlPerson person[TL_AGENT_MAX];
    TlLight light;
    uint32_t grass_dark, grass_light, apron, line;
    double line_strength; ///< 0..1
    int mowing;
    double mowing_m;                                 ///< width of a stripe
    double grass_grain;                              ///< contrast of blades
    double wear;                                     ///< worn patches in front of the goals
    double board_far_m, board_end_m, board_height_m; ///< boards behind the far touchline and the goals
    int boards_moving;                               ///< LED boards that scroll
    uint32_t seat, crowd[4], wall, roof;
    double crowd_fill;                      ///< share of taken seats
    double crowd_light;                     ///< of the stands
    double crowd_unity;                     ///< share of spectators in club colours
    double softness, noise, exposure_share; ///< picture; share of the frame time the shutter is open
    int assistants;                         ///< 0 or 2
    int stewards;                           ///< people behind the boards
    int bench;                              ///< people and boxes before the main stand
    int score_bug;                          ///< 0 = none, else corner and style
    uint32_t bug_colour[3];
    char name[2][4]; ///< three letters of each team
} TlLook;

void tl_look_init(TlLook *look, unsigned seed, const TlMatch *match);
double tl_light_at(const TlLight *light, double x, double y); // factor on the ground, 1 = full

#endif
