// Chooses the look of a synthetic match from its seed. See synth_look.h.
//
// Colour families are those of real kits; two teams whose shirts are too near in colour, or too near to the grass, are
// drawn again, as competition rules ask for.
#include "render/synth_look.h"

#include <math.h>
#include <string.h>

#include "render/canvas.h"

typedef struct Rgb {
    uint8_t r, g, b;
} Rgb;

static const Rgb kit_colours[] = {
    {236, 236, 236}, {24, 24, 28},   {196, 24, 36},  {150, 20, 40},  {24, 60, 160},   {16, 28, 72},
    {90, 160, 224},  {240, 208, 32}, {236, 110, 28}, {20, 110, 60},  {90, 40, 130},   {120, 16, 60},
    {236, 150, 180}, {28, 150, 150}, {230, 60, 60},  {60, 100, 200}, {200, 200, 206}, {70, 20, 28},
};
static const Rgb keeper_colours[] = {
    {240, 220, 40}, {60, 210, 80},   {240, 120, 30}, {230, 80, 160},
    {40, 200, 220}, {130, 130, 136}, {30, 30, 34},   {110, 60, 160},
};
static const Rgb official_colours[] = {{22, 22, 24},  {22, 22, 24},   {236, 220, 40},
                                       {210, 40, 60}, {70, 190, 220}, {60, 200, 90}};
static const Rgb skins[] = {{236, 196, 168}, {224, 178, 146}, {206, 156, 122},
                            {168, 116, 84},  {122, 80, 56},   {84, 56, 42}};
static const Rgb hairs[] = {{24, 20, 18}, {30, 24, 20}, {70, 48, 30}, {150, 112, 62}, {196, 166, 110}, {90, 84, 80}};
static const Rgb boots[] = {{30, 30, 32},   {240, 240, 240}, {240, 90, 40},
                            {230, 240, 60}, {60, 160, 240},  {240, 60, 130}};

#define PICK(random, table) (&(table)[tl_random_int(random, (int)(sizeof(table) / sizeof((table)[0])))])

static uint32_t pack(const Rgb *c)
{
    return tl_colour(c->r, c->g, c->b);
}

static double colour_distance(uint32_t a, uint32_t b)
{
    double sum = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        double d = (int)(a >> shift & 255) - (int)(b >> shift & 255);
        sum += d * d * (shift == 0 ? 0.5 : 2.0);
    }
    return sqrt(sum);
}

static void choose_kit(TlRandom *random, TlKit *kit)
{
    const Rgb *main = PICK(random, kit_colours), *second = PICK(random, kit_colours);
    kit->shirt = pack(main);
    kit->second = pack(second);
    kit->pattern = tl_random_chance(random, 0.5) ? TL_PATTERN_PLAIN : tl_random_int(random, TL_PATTERN_COUNT);
    if (colour_distance(kit->shirt, kit->second) < 60)
        kit->second = (kit->shirt & 255) > 120 ? tl_colour(30, 30, 60) : tl_colour(235, 235, 235);
    kit->sleeve = tl_random_chance(random, 0.7) ? kit->shirt : kit->second;
    double which = tl_random_unit(random);
    kit->shorts = which < 0.45 ? kit->shirt : which < 0.8 ? kit->second : tl_colour(235, 235, 235);
    kit->socks = tl_random_chance(random, 0.6) ? kit->shirt : kit->second;
    kit->number = (kit->shirt & 255) > 120 ? tl_colour(24, 24, 40) : tl_colour(240, 240, 240);
}

static void choose_kits(TlRandom *random, TlLook *look)
{
    uint32_t grass = tl_colour_mix(look->grass_dark, look->grass_light, 0.5);
    for (int i = 0; i < 5; i++) {
        TlKit *kit = &look->kit[i];
        for (int attempt = 0; attempt < 40; attempt++) {
            choose_kit(random, kit);
            if (i >= 2) { // keepers and officials wear one colour
                kit->shirt = i == 4 ? pack(PICK(random, official_colours)) : pack(PICK(random, keeper_colours));
                kit->sleeve = kit->shirt;
                kit->pattern = TL_PATTERN_PLAIN;
                kit->shorts = i == 4 || tl_random_chance(random, 0.4) ? tl_colour(24, 24, 26) : kit->shirt;
                kit->socks = i == 4 ? kit->shorts : kit->shirt;
                kit->number = (kit->shirt & 255) > 120 ? tl_colour(24, 24, 40) : tl_colour(240, 240, 240);
            }
            double least = colour_distance(kit->shirt, grass) * 1.1;
            for (int k = 0; k < i; k++)
                if (!(i == 3 && k == 2)) // the two keepers may look alike
                    least = fmin(least, colour_distance(kit->shirt, look->kit[k].shirt));
            if (least > (i < 2 ? 75 : 50) - attempt)
                break;
        }
    }
}

static void choose_grass(TlRandom *random, TlLook *look)
{
    // from yellowish over fresh to bluish green, as the cameras of different stadiums show it
    double hue = tl_random_unit(random), light = tl_random_range(random, 0.82, 1.38),
           grey = tl_random_range(random, 0, 0.35);
    double r = (104 - 66 * hue) * light, g = (142 - 12 * hue) * light, b = (36 + 22 * hue) * light,
           mean = (r + g + b) / 3;
    r += (mean - r) * grey, g += (mean - g) * grey, b += (mean - b) * grey;
    double contrast = tl_random_range(random, 0.02, 0.13);
    look->grass_dark = tl_colour(r * (1 - contrast), g * (1 - contrast * 0.8), b * (1 - contrast * 0.3));
    look->grass_light = tl_colour(r * (1 + contrast), g * (1 + contrast * 0.8), b * (1 + contrast * 1.2));
    double which = tl_random_unit(random);
    look->apron = which < 0.7    ? tl_colour(r * 0.9, g * 0.88, b * 0.95)
                  : which < 0.85 ? tl_colour(r * 0.7 + 40, g * 0.6 + 45, b * 0.8 + 40)
                                 : tl_colour(150, 84, 66);
    look->line_strength = tl_random_range(random, 0.5, 0.95);
    look->line = tl_colour(232, 236, 228);
    double mowing = tl_random_unit(random);
    look->mowing = mowing < 0.6    ? TL_MOWING_ACROSS
                   : mowing < 0.78 ? TL_MOWING_CHECKS
                   : mowing < 0.86 ? TL_MOWING_RINGS
                                   : TL_MOWING_NONE;
    // 5.5 m from the goal line to the goal area is the usual measure; some mow wider
    look->mowing_m = tl_random_chance(random, 0.7) ? 5.5 : tl_random_range(random, 4, 9);
    look->grass_grain = tl_random_range(random, 0.015, 0.075);
    look->wear = tl_random_range(random, 0, 0.8);
}

static void choose_light(TlRandom *random, TlLight *light)
{
    double kind = tl_random_unit(random);
    light->exposure = tl_random_range(random, 0.85, 1.1);
    light->shade_factor = 1;
    if (kind < 0.42) { // night: a mast at each corner, or rows of lamps that act alike
        light->sources = 4;
        for (int i = 0; i < 4; i++) {
            double reach = tl_random_range(random, 0.45, 1.0);
            light->shift[i][0] = (i & 1 ? 1 : -1) * reach * tl_random_range(random, 0.7, 1);
            light->shift[i][1] = (i & 2 ? 1 : -1) * reach * tl_random_range(random, 0.4, 0.8);
            light->depth[i] = tl_random_range(random, 0.07, 0.2);
        }
    } else if (kind < 0.78) { // sun
        double angle = tl_random_range(random, 0, 2 * TL_PI), reach = tl_random_range(random, 0.5, 2.2);
        light->sources = 1;
        light->shift[0][0] = tl_cos(angle) * reach;
        light->shift[0][1] = tl_sin(angle) * reach * 0.8;
        light->depth[0] = tl_random_range(random, 0.3, 0.55);
        light->half_shade = tl_random_chance(random, 0.45);
        light->shade_far = tl_random_chance(random, 0.4);
        light->shade_line_y = light->shade_far ? tl_random_range(random, 2, 30) : tl_random_range(random, 36, 66);
        light->shade_slope = tl_random_range(random, -0.4, 0.4);
        light->shade_factor = light->half_shade ? tl_random_range(random, 0.45, 0.75) : 1;
    } else {
        light->sources = 0; // overcast
    }
}

static void choose_stadium(TlRandom *random, TlLook *look)
{
    look->board_far_m = tl_random_range(random, 2.6, 6);
    look->board_end_m = tl_random_range(random, 4, 8);
    look->board_height_m = tl_random_range(random, 0.85, 1.15);
    look->boards_moving = tl_random_chance(random, 0.3);
    look->seat = pack(PICK(random, kit_colours));
    look->seat = tl_colour_mix(look->seat, tl_colour(90, 90, 96), 0.35);
    for (int i = 0; i < 4; i++)
        look->crowd[i] = i == 0 ? look->kit[0].shirt : pack(PICK(random, kit_colours));
    double grey = tl_random_range(random, 60, 150);
    look->wall = tl_colour(grey, grey, grey * 1.04);
    look->roof = tl_random_chance(random, 0.6) ? tl_colour(26, 28, 34) : tl_colour(150, 175, 205);
    look->crowd_fill =
        tl_random_chance(random, 0.75) ? tl_random_range(random, 0.75, 0.98) : tl_random_range(random, 0.15, 0.7);
    look->crowd_light = tl_random_range(random, 0.6, 1.15);
    look->crowd_unity = tl_random_range(random, 0.1, 0.75);
    look->assistants = tl_random_chance(random, 0.75) ? 2 : 0;
    look->stewards = tl_random_int(random, 14);
    look->bench = tl_random_int(random, 3);
    look->softness = tl_random_range(random, -0.1, 1);
    look->noise = tl_random_range(random, 0.4, 2.6);
    look->exposure_share = tl_random_range(random, 0.12, 0.55);
    look->score_bug = tl_random_chance(random, 0.7) ? 1 + tl_random_int(random, 3) : 0;
    for (int i = 0; i < 3; i++)
        look->bug_colour[i] = pack(PICK(random, kit_colours));
    for (int team = 0; team < 2; team++)
        for (int i = 0; i < 3; i++)
            look->name[team][i] = (char)('A' + tl_random_int(random, 26));
}

void tl_look_init(TlLook *look, unsigned seed, const TlMatch *match)
{
    TlRandom random = tl_random_stream(seed, 31);
    memset(look, 0, sizeof(*look));
    choose_grass(&random, look);
    choose_kits(&random, look);
    choose_light(&random, &look->light);
    choose_stadium(&random, look);
    int count = match ? match->agent_count : 0;
    for (int i = 0; i < count; i++) {
        TlPerson *person = &look->person[i];
        person->skin = pack(PICK(&random, skins));
        person->hair = pack(PICK(&random, hairs));
        person->boots = pack(PICK(&random, boots));
        person->height_m = tl_clamp(1.81 + tl_random_normal(&random) * 0.06, 1.66, 1.98);
        person->bulk = tl_random_range(&random, 0.92, 1.1);
        person->number = 1 + tl_random_int(&random, 30);
        if (match->agent[i].role == TL_ROLE_KEEPER)
            person->height_m = tl_clamp(person->height_m + 0.07, 1.8, 2.0);
    }
}

double tl_light_at(const TlLight *light, double x, double y)
{
    if (!light->half_shade)
        return 1;
    double edge = y - (light->shade_line_y + light->shade_slope * (x - 52.5));
    if (light->shade_far)
        edge = -edge;
    double share = tl_clamp(edge / 0.6 + 0.5, 0, 1); // half-shadow of the roof's edge
    return 1 - share * (1 - light->shade_factor);
}
