// The pitch in metres against the Laws of the Game.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "pitch/pitch.h"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.9g is not %.9g", a, b);
}

static void places_by_the_laws(void **state)
{
    static const double expected[][3] = {
        {0, 0, 0},          {1, 0, 13.84},      {2, 0, 24.84},     {3, 0, 43.16},      {4, 0, 54.16},
        {5, 0, 68},         {6, 5.5, 24.84},    {7, 5.5, 43.16},   {8, 11, 34},        {9, 16.5, 13.84},
        {12, 16.5, 54.16},  {13, 52.5, 0},      {14, 52.5, 24.85}, {15, 52.5, 43.15},  {16, 52.5, 68},
        {17, 88.5, 13.84},  {20, 88.5, 54.16},  {21, 94, 34},      {22, 99.5, 24.84},  {23, 99.5, 43.16},
        {24, 105, 0},       {25, 105, 13.84},   {26, 105, 24.84},  {27, 105, 43.16},   {28, 105, 54.16},
        {29, 105, 68},      {30, 43.35, 34},    {31, 61.65, 34},   {10, 16.5, 26.688}, {11, 16.5, 41.312},
        {18, 88.5, 26.688}, {19, 88.5, 41.312},
    };
    TlPitchModel model;

    (void)state;
    tl_pitch_model_init(&model, 0, 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        near(model.point[(int)expected[i][0]][0], expected[i][1], 5e-4);
        near(model.point[(int)expected[i][0]][1], expected[i][2], 5e-4);
    }
    // On the arc around the spot and on the penalty-area line at once.
    near(hypot(model.point[10][0] - 11, model.point[10][1] - 34), 9.15, 1e-12);
    near(hypot(model.point[19][0] - 94, model.point[19][1] - 34), 9.15, 1e-12);
}

static void size_moves_only_the_outer_lines(void **state)
{
    TlPitchModel model;

    (void)state;
    tl_pitch_model_init(&model, 100, 64);
    near(model.point[29][0], 100, 0);
    near(model.point[29][1], 64, 0);
    near(model.point[13][0], 50, 0);
    near(model.point[12][0], 16.5, 0);
    near(model.point[12][1] - model.point[9][1], 40.32, 1e-12);
    near(model.point[22][0], 94.5, 1e-12);
    near(model.point[23][1] - model.point[22][1], 18.32, 1e-12);
    near(model.point[31][0] - model.point[30][0], 18.3, 1e-12);
    near((model.point[14][1] + model.point[15][1]) / 2, 32, 1e-12);
    tl_pitch_model_init(&model, NAN, -1);
    near(model.length_m, 105, 0);
    near(model.width_m, 68, 0);
    tl_pitch_model_init(&model, INFINITY, NAN);
    near(model.length_m, 105, 0);
}

static void flip_of_the_picture(void **state)
{
    TlPitchModel model;

    (void)state;
    tl_pitch_model_init(&model, 105, 68);
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        int j = tl_pitch_mirror[i];
        assert_in_range(j, 0, TL_POINT_COUNT - 1);
        assert_int_equal(tl_pitch_mirror[j], i);
        near(model.point[j][0], 105 - model.point[i][0], 1e-12);
        near(model.point[j][1], model.point[i][1], 1e-12);
    }
}

static void all_paint_is_there_once(void **state)
{
    double pieces[256][4], total = 0;
    TlPitchModel model;

    (void)state;
    tl_pitch_model_init(&model, 105, 68);
    int n = tl_pitch_segments(&model, pieces, 256);
    assert_in_range(n, 60, 256);
    for (int i = 0; i < n; i++) {
        total += hypot(pieces[i][2] - pieces[i][0], pieces[i][3] - pieces[i][1]);
        for (int k = 0; k < 4; k++)
            assert_true(pieces[i][k] > -1e-9 && pieces[i][k] < (k % 2 ? 68 : 105) + 1e-9);
    }
    double arc = 2 * acos(5.5 / 9.15) * 9.15;
    near(total, 2 * (105 + 68) + 68 + 2 * (33 + 40.32) + 2 * (11 + 18.32) + 2 * M_PI * 9.15 + 2 * arc, 0.1);
    // Too little room: the number is still told, and nothing is written behind the room.
    pieces[3][0] = -7;
    assert_int_equal(tl_pitch_segments(&model, pieces, 3), n);
    near(pieces[3][0], -7, 0);
    assert_int_equal(tl_pitch_segments(&model, NULL, 0), n);
}

static void points_lie_on_the_paint(void **state)
{
    double pieces[256][4];
    TlPitchModel model;

    (void)state;
    tl_pitch_model_init(&model, 110, 70);
    int n = tl_pitch_segments(&model, pieces, 256);
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        double best = INFINITY;
        for (int k = 0; k < n; k++) {
            double dx = pieces[k][2] - pieces[k][0], dy = pieces[k][3] - pieces[k][1];
            double t = ((model.point[i][0] - pieces[k][0]) * dx + (model.point[i][1] - pieces[k][1]) * dy) /
                       (dx * dx + dy * dy);
            t = fmin(fmax(t, 0), 1);
            best =
                fmin(best, hypot(pieces[k][0] + t * dx - model.point[i][0], pieces[k][1] + t * dy - model.point[i][1]));
        }
        if (i != 8 && i != 21) // the penalty spots are no lines
            assert_true(best < 0.02);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_by_the_laws),      cmocka_unit_test(size_moves_only_the_outer_lines),
        cmocka_unit_test(flip_of_the_picture),     cmocka_unit_test(all_paint_is_there_once),
        cmocka_unit_test(points_lie_on_the_paint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
