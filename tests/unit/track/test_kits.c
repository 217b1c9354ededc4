// Kits learnt from shirts: who wears neither, what that does to classes in a picture and along tracks, and who plays in
// which team. Every match is made up, so the right class is known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "track/kits.h"
#include "track/track.h"

static const double g_white[3] = {190, 128, 128}, g_blue[3] = {60, 150, 118}, g_yellow[3] = {150, 85, 132},
                    g_green[3] = {120, 95, 105}, g_grey[3] = {150, 126, 127}, g_blue_back[3] = {60, 168, 112};

static double uniform(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) / 16777216.0;
}

static double gauss(uint32_t *seed)
{
    return sqrt(-2 * log(uniform(seed) + 1e-12)) * cos(6.283185307 * uniform(seed));
}

// A shirt seen once: sun and shade, far and near.
static void wear(const double kit[3], uint32_t *seed, double yuv[3])
{
    for (int k = 0; k < 3; k++)
        yuv[k] = fmin(fmax(kit[k] + (k ? 4 : 13) * gauss(seed), 0), 255);
}

static int make_shirts(TlShirt *shirt, int players, int odd, uint32_t seed)
{
    for (int i = 0; i < players + odd; i++) {
        shirt[i].weight = i < players ? 0.9 : 0.5; // of a referee the network is half sure
        wear(i >= players ? g_yellow : i % 2 ? g_white : g_blue, &seed, shirt[i].yuv);
    }
    return players + odd;
}

static double apart(const double a[3], const double b[3])
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

static void test_kits_are_found(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 50; seed++) {
        TlShirt shirt[32];
        TlKits kits = {0};
        int n = make_shirts(shirt, 18, 2, seed);
        assert_int_equal(tl_kits_fit(&kits, shirt, n, 0), 1);
        int swapped = apart(kits.yuv[0], g_white) > apart(kits.yuv[1], g_white);
        assert_true(apart(kits.yuv[swapped], g_white) < 15 && apart(kits.yuv[!swapped], g_blue) < 15);
        for (int k = 0; k < 3; k++)
            assert_true(kits.sigma[k] > (k ? 2 : 7) && kits.sigma[k] < (k ? 8 : 24));
        assert_true(tl_kits_odd(&kits, g_yellow) > 1.9 && tl_kits_odd(&kits, g_green) > 1.9);
        assert_true(tl_kits_odd(&kits, g_white) < -1.5 && tl_kits_odd(&kits, g_blue) < -1.5);
    }
}

static void test_too_few(void **state)
{
    (void)state;
    TlShirt shirt[32];
    TlKits kits = {0}, before;
    int n = make_shirts(shirt, 5, 1, 7);
    assert_int_equal(tl_kits_fit(&kits, shirt, n, 1), 0);
    assert_int_equal(tl_kits_fit(&kits, shirt, 0, 1), 0);
    n = make_shirts(shirt, 16, 1, 7);
    assert_int_equal(tl_kits_fit(&kits, shirt, n, 1), 1);
    before = kits;
    assert_int_equal(tl_kits_fit(&kits, shirt, 4, 1), 1); // known kits outlive a close-up
    assert_memory_equal(&kits, &before, sizeof kits);
}

// Kits that began on the wrong people are given up when a search finds the right ones.
static void test_search_mends(void **state)
{
    (void)state;
    TlShirt shirt[64];
    TlKits kits = {0};
    for (int i = 0; i < 8; i++) {
        uint32_t seed = (uint32_t)i + 1;
        shirt[i].weight = 0.9;
        wear(i % 2 ? g_yellow : g_green, &seed, shirt[i].yuv);
    }
    assert_int_equal(tl_kits_fit(&kits, shirt, 8, 1), 1);
    assert_true(tl_kits_odd(&kits, g_white) > 1.9);
    int n = 8 + make_shirts(shirt + 8, 40, 0, 3);
    for (int i = 0; i < 8; i++)
        shirt[i].weight = 0.1;
    assert_int_equal(tl_kits_fit(&kits, shirt, n, 1), 1);
    assert_true(tl_kits_odd(&kits, g_white) < -1 && tl_kits_odd(&kits, g_blue) < -1);
}

static void test_hostile_shirts(void **state)
{
    (void)state;
    TlShirt shirt[200];
    TlKits kits = {0};
    for (int i = 0; i < 200; i++) // all the same: one kit twice, nothing divided by 0
        shirt[i] = (TlShirt){.yuv = {100, 128, 128}, .weight = 1};
    assert_int_equal(tl_kits_fit(&kits, shirt, 200, 1), 1);
    assert_true(isfinite(tl_kits_odd(&kits, g_white)) && tl_kits_odd(&kits, shirt[0].yuv) < -1.9);
    for (int i = 0; i < 200; i++)
        shirt[i].weight = i % 2 ? 0 : NAN;
    kits = (TlKits){0};
    assert_int_equal(tl_kits_fit(&kits, shirt, 200, 1), 0);
}

static void test_shares(void **state)
{
    (void)state;
    double share[3];
    TlDetection d = {.score = 0.5f, .class_id = TL_CLASS_REFEREE};
    const float score[TL_CLASS_COUNT] = {0.9f, 0.1f, 0.4f, 0.2f}, none[TL_CLASS_COUNT] = {0};
    tl_class_shares(&d, score, share); // squares, the ball left out: .01 .16 .04
    assert_float_equal(share[0], 1.0 / 21, 1e-6);
    assert_float_equal(share[1], 16.0 / 21, 1e-6);
    tl_kits_judge(log(4), share); // 4 : 16 : 16
    assert_float_equal(share[0], 1.0 / 9, 1e-6);
    assert_float_equal(share[2], 4.0 / 9, 1e-6);
    tl_class_shares(&d, none, share);
    assert_true(share[2] > 0.9 && share[0] + share[1] + share[2] < 1 + 1e-9);
}

// --- one picture

enum { PLAYERS = 16 };

static void put(TlDetections *d, const double kit[3], int class_id, const float score[TL_CLASS_COUNT], uint32_t *seed)
{
    int i = d->count++;
    float x = 60.0f + 70.0f * (float)i;
    double yuv[3];
    d->item[i] = (TlDetection){.bbox = {x, 300, x + 20, 350}, .score = score[class_id], .class_id = class_id};
    memcpy(d->class_score[i], score, sizeof d->class_score[i]);
    wear(kit, seed, yuv);
    for (int k = 0; k < 3; k++)
        d->look[i][k] = (uint8_t)yuv[k];
    d->look[i][3] = 1;
}

static const float g_sure[TL_CLASS_COUNT] = {0, 0.05f, 0.8f, 0.06f}, g_doubt[TL_CLASS_COUNT] = {0, 0.08f, 0.5f, 0.4f},
                   g_false[TL_CLASS_COUNT] = {0, 0.05f, 0.38f, 0.45f};

// Players, a referee taken for a player (his place is PLAYERS) and a player taken for a referee.
static void make_picture(TlDetections *d, int players, uint32_t seed)
{
    memset(d, 0, sizeof *d);
    for (int i = 0; i < players; i++)
        put(d, i % 2 ? g_white : g_blue, TL_CLASS_PLAYER, g_sure, &seed);
    put(d, g_yellow, TL_CLASS_PLAYER, g_doubt, &seed);
    put(d, g_blue, TL_CLASS_REFEREE, g_false, &seed);
}

static const TlDetection *at_place(const TlDetections *d, int place)
{
    for (int i = 0; i < d->count; i++)
        if (d->item[i].bbox[0] == 60.0f + 70.0f * (float)place)
            return &d->item[i];
    return NULL;
}

static void test_picture(void **state)
{
    (void)state;
    static TlDetections d;
    int mended = 0; // one shirt in fifty is badly seen
    for (uint32_t seed = 1; seed <= 50; seed++) {
        make_picture(&d, PLAYERS, seed);
        tl_kits_correct(&d, 0);
        assert_int_equal(d.count, PLAYERS + 2);
        assert_int_equal(at_place(&d, PLAYERS)->class_id, TL_CLASS_REFEREE);
        assert_in_range((int)(100 * at_place(&d, PLAYERS)->score), 30, 50); // no surer than of the person before
        mended += at_place(&d, PLAYERS + 1)->class_id == TL_CLASS_PLAYER;
        for (int i = 0; i < PLAYERS; i++) {
            assert_int_equal(at_place(&d, i)->class_id, TL_CLASS_PLAYER);
            assert_float_equal(at_place(&d, i)->score, 0.8, 1e-6);
        }
        for (int i = 1; i < d.count; i++)
            assert_true(d.item[i - 1].score >= d.item[i].score);
    }
    assert_true(mended >= 47);
}

static void test_picture_of_few(void **state)
{
    (void)state;
    static TlDetections d, before;
    make_picture(&d, 5, 1);
    before = d;
    tl_kits_correct(&d, 0);
    assert_memory_equal(&d, &before, sizeof d);
    make_picture(&d, PLAYERS, 1);
    for (int i = 0; i < d.count; i++)
        memset(d.class_score[i], 0, sizeof d.class_score[i]); // a head that knows one class a box
    before = d;
    tl_kits_correct(&d, 0);
    assert_memory_equal(&d, &before, sizeof d);
    make_picture(&d, PLAYERS, 1);
    memset(d.look, 0, sizeof d.look);
    before = d;
    tl_kits_correct(&d, 0);
    assert_memory_equal(&d, &before, sizeof d);
    d.count = 0;
    tl_kits_correct(&d, 0);
    assert_int_equal(d.count, 0);
}

static void test_each_class_by_itself(void **state)
{
    (void)state;
    static TlDetections d;
    uint32_t seed = 4;
    make_picture(&d, PLAYERS, 3);
    put(&d, g_yellow, TL_CLASS_REFEREE, g_doubt, &seed);
    tl_kits_correct(&d, 1);
    assert_int_equal(at_place(&d, PLAYERS)->class_id, TL_CLASS_PLAYER);
    assert_true(at_place(&d, PLAYERS)->score < 0.2f);
    assert_int_equal(at_place(&d, PLAYERS + 1)->class_id, TL_CLASS_REFEREE);
    assert_true(at_place(&d, PLAYERS + 1)->score < 0.2f);
    assert_float_equal(at_place(&d, PLAYERS + 2)->score, 0.55, 1e-5); // gains no more than 0.15
}

// --- along tracks

enum { FRAMES = 200 };

typedef struct Cast {
    int players;
    const double *odd_shirt;
    const float *odd_score;
    int odd_from; ///< frame in which he comes
    const double *odd_back;
    int turns, turns_again; ///< frames between which he shows his back; 0 = never
} Cast;

static const double *side_shown(const Cast *cast, int frame)
{
    return frame >= cast->turns && frame < cast->turns_again ? cast->odd_back : cast->odd_shirt;
}

enum { PLACES = 21 };
static int g_team[FRAMES][PLACES]; // by place, as said when the frame was new

// Plays a clip; returns the last class of the odd one and counts its changes.
static int play(const Cast *cast, int *changes, int *last_players)
{
    static TlDetections d;
    static TlTrackedFrame out;
    uint32_t seed = 11;
    int class_id = -1;
    TlTrackerParams params = {.width = 1920, .height = 1080, .fps = 25, .high = {0.3f, 0.3f, 0.3f, 0.3f}, .low = 0.1f};
    TlTracker *tracker = tl_tracker_create(&params);
    assert_non_null(tracker);
    *changes = 0;
    for (int f = 0; f < FRAMES; f++) {
        memset(&d, 0, sizeof d);
        for (int i = 0; i < cast->players; i++)
            put(&d, i % 2 ? g_white : g_blue, TL_CLASS_PLAYER, g_sure, &seed);
        d.count = 20; // the odd one keeps his place
        if (f >= cast->odd_from)
            put(&d, side_shown(cast, f), TL_CLASS_PLAYER, cast->odd_score, &seed);
        tl_tracker_update(tracker, f, &d, NULL, 0, &out);
        *last_players = 0;
        memset(g_team[f], 0, sizeof g_team[f]);
        for (int i = 0; i < out.count; i++) {
            int place = (int)lround((out.item[i].bbox[0] - 60.0) / 70);
            assert_in_range(place, 0, PLACES - 1);
            g_team[f][place] = tl_tracker_team(tracker, out.item[i].id);
            if (out.item[i].bbox[0] != 60.0f + 70.0f * 20) {
                *last_players += out.item[i].class_id == TL_CLASS_PLAYER;
                continue;
            }
            *changes += class_id >= 0 && class_id != out.item[i].class_id;
            class_id = out.item[i].class_id;
        }
    }
    tl_tracker_destroy(&tracker);
    return class_id;
}

static void test_tracks(void **state)
{
    (void)state;
    static const float keeper[TL_CLASS_COUNT] = {0, 0.35f, 0.5f, 0.1f};
    int changes, players;
    Cast cast = {.players = PLAYERS, .odd_shirt = g_yellow, .odd_score = g_doubt};
    assert_int_equal(play(&cast, &changes, &players), TL_CLASS_REFEREE);
    assert_true(changes <= 1 && players == PLAYERS);
    cast.odd_from = 100;
    assert_int_equal(play(&cast, &changes, &players), TL_CLASS_REFEREE);
    assert_true(changes <= 1 && players == PLAYERS);
    cast.odd_score = keeper; // which of the odd ones he is, the network says
    assert_int_equal(play(&cast, &changes, &players), TL_CLASS_GOALKEEPER);
    cast.odd_score = g_sure; // a kit proves nothing against a network that is sure: a stain, a bib, a shadow
    assert_int_equal(play(&cast, &changes, &players), TL_CLASS_PLAYER);
    cast.odd_score = g_doubt;
    cast.odd_shirt = g_white; // doubted by the network, but in his team's kit
    assert_int_equal(play(&cast, &changes, &players), TL_CLASS_PLAYER);
    assert_int_equal(changes, 0);
    cast.odd_shirt = g_yellow;
    cast.players = 4; // too few to know the kits
    assert_int_equal(play(&cast, &changes, &players), TL_CLASS_PLAYER);
    assert_int_equal(changes, 0);
}

// The back of a shirt is no other shirt, be it far from both kits: a player of whom the network is not sure was a
// referee for as long as he turned away from the camera.
static void test_back(void **state)
{
    (void)state;
    static const float doubted[TL_CLASS_COUNT] = {0, 0.08f, 0.5f, 0.35f};
    int changes, players;
    Cast cast = {.players = PLAYERS, .odd_shirt = g_blue, .odd_score = doubted};
    cast.odd_back = g_blue_back;
    cast.turns = 60;
    cast.turns_again = 140;
    assert_int_equal(play(&cast, &changes, &players), TL_CLASS_PLAYER);
    assert_int_equal(changes, 0);
    assert_int_equal(players, PLAYERS);
}

static void test_teams(void **state)
{
    (void)state;
    int changes, players;
    Cast cast = {.players = PLAYERS, .odd_shirt = g_yellow, .odd_score = g_doubt};
    (void)play(&cast, &changes, &players);
    int first = g_team[FRAMES - 1][0];
    assert_in_range(first, 1, 2);
    for (int f = 0; f < FRAMES; f++) {
        assert_int_equal(g_team[f][20], 0);
        for (int i = 0; i < PLAYERS; i++) // unknown at first, then right, and that for good
            assert_true(f < 25 && !g_team[f][i] ? 1 : g_team[f][i] == (i % 2 ? 3 - first : first));
    }
    cast.players = 4;
    (void)play(&cast, &changes, &players);
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(g_team[FRAMES - 1][i], 0);
}

// An id that goes over to an opponent loses its team and gets no other.
static void test_team_is_lost(void **state)
{
    (void)state;
    int changes, players;
    Cast cast = {.players = PLAYERS, .odd_shirt = g_white, .odd_score = g_sure};
    cast.odd_back = g_blue;
    cast.turns = 80;
    cast.turns_again = FRAMES;
    (void)play(&cast, &changes, &players);
    int team = g_team[79][20];
    assert_in_range(team, 1, 2);
    assert_int_equal(team, g_team[79][1]);
    for (int f = 80; f < FRAMES; f++)
        assert_true(g_team[f][20] == 0 || (g_team[f][20] == team && f < 140));
}

static void test_swap(void **state)
{
    (void)state;
    TlShirt shirt[32];
    TlKits kits = {0};
    double before[2], after[2];
    (void)tl_kits_fit(&kits, shirt, make_shirts(shirt, 18, 2, 3), 1);
    tl_kits_distances(&kits, g_white, before);
    assert_float_equal(fmin(before[0], before[1]), tl_kits_distance(&kits, g_white), 1e-12);
    tl_kits_swap(&kits);
    tl_kits_distances(&kits, g_white, after);
    assert_true(before[0] == after[1] && before[1] == after[0] && before[0] != before[1]);
}

// A grey shirt between two kits may be either: whatever it becomes, it does not flicker.
static void test_no_flicker(void **state)
{
    (void)state;
    int changes, players;
    static const float even[TL_CLASS_COUNT] = {0, 0.05f, 0.45f, 0.43f};
    Cast cast = {.players = PLAYERS, .odd_shirt = g_grey, .odd_score = even};
    (void)play(&cast, &changes, &players);
    assert_true(changes <= 1);
    assert_int_equal(players, PLAYERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kits_are_found), cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_search_mends),   cmocka_unit_test(test_hostile_shirts),
        cmocka_unit_test(test_shares),         cmocka_unit_test(test_picture),
        cmocka_unit_test(test_picture_of_few), cmocka_unit_test(test_each_class_by_itself),
        cmocka_unit_test(test_tracks),         cmocka_unit_test(test_back),
        cmocka_unit_test(test_teams),          cmocka_unit_test(test_team_is_lost),
        cmocka_unit_test(test_swap),           cmocka_unit_test(test_no_flicker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
