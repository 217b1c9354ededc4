// Homographies against closed forms and brute force.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "synthetic.h"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

static const double known[9] = {0.031, 0.012, -4.0, -0.004, 0.11, 20.0, 1e-5, 1.6e-3, 1};

static void apply_and_invert(void **state)
{
    double inverse[9], product[9], x, y;

    (void)state;
    tl_homography_apply(known, 100, 200, &x, &y);
    near(x, (3.1 + 2.4 - 4) / (1e-3 + 0.32 + 1), 1e-12);
    near(y, (-0.4 + 22 + 20) / (1e-3 + 0.32 + 1), 1e-12);
    assert_int_equal(tl_homography_invert(known, inverse), 0);
    tl_homography_multiply(known, inverse, product);
    for (int i = 0; i < 9; i++)
        near(product[i] / product[8], i % 4 == 0, 1e-9);
    tl_homography_apply((const double[9]){1, 0, 0, 0, 1, 0, 1, 0, -2}, 2, 5, &x, &y);
    assert_true(isinf(x) && isinf(y));
}

static void singular_ones_are_refused(void **state)
{
    static const double bad[][9] = {
        {0},
        {1, 2, 3, 2, 4, 6, 0, 0, 1},
        {1, 0, 0, 0, 1, 0, 0, 0, 0},
        {NAN, 0, 0, 0, 1, 0, 0, 0, 1},
        {INFINITY, 0, 0, 0, 1, 0, 0, 0, 1},
    };
    double out[9];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tl_homography_invert(bad[i], out), -1);
    // Badly scaled, but perfectly regular.
    assert_int_equal(tl_homography_invert((const double[9]){1e-7, 0, 0, 0, 1e7, 0, 0, 0, 1}, out), 0);
}

static void map_points(const double h[9], double (*from)[2], double (*to)[2], int n)
{
    for (int i = 0; i < n; i++) {
        from[i][0] = 1900 * uniform();
        from[i][1] = 1000 * uniform();
        tl_homography_apply(h, from[i][0], from[i][1], &to[i][0], &to[i][1]);
    }
}

static void dlt_is_exact_on_exact_points(void **state)
{
    double from[12][2], to[12][2], h[9];

    (void)state;
    for (int n = 4; n <= 12; n++)
        for (int trial = 0; trial < 20; trial++) {
            map_points(known, from, to, n);
            if (tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, NULL, n, h))
                continue; // four random points may come close to a line
            near(h[8], 1, 0);
            for (int i = 0; i < 9; i++)
                near(h[i] / known[i], 1, 2e-5);
            double x, y, a, b;
            tl_homography_apply(h, 900, 500, &x, &y);
            tl_homography_apply(known, 900, 500, &a, &b);
            near(x, a, 1e-6);
            near(y, b, 1e-6);
        }
}

static void four_points_closed_form(void **state)
{
    // The unit square onto a quadrilateral (Heckbert 1989): checked at its corners and at the crossing of the
    // diagonals.
    const double from[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}}, to[4][2] = {{10, 20}, {200, 25}, {180, 90}, {30, 80}};
    double h[9], x, y;

    (void)state;
    assert_int_equal(tl_homography_dlt(from, to, NULL, 4, h), 0);
    for (int i = 0; i < 4; i++) {
        tl_homography_apply(h, from[i][0], from[i][1], &x, &y);
        near(x, to[i][0], 1e-10);
        near(y, to[i][1], 1e-10);
    }
    tl_homography_apply(h, 0.5, 0.5, &x, &y);
    double d = (to[2][0] - to[0][0]) * (to[3][1] - to[1][1]) - (to[2][1] - to[0][1]) * (to[3][0] - to[1][0]);
    double t = ((to[1][0] - to[0][0]) * (to[3][1] - to[1][1]) - (to[1][1] - to[0][1]) * (to[3][0] - to[1][0])) / d;
    near(x, to[0][0] + t * (to[2][0] - to[0][0]), 1e-9);
    near(y, to[0][1] + t * (to[2][1] - to[0][1]), 1e-9);
}

// Algebraic error that DLT minimises, in Hartley's normalised coordinates, over all unit vectors.
static double algebraic(const double (*from)[2], const double (*to)[2], int n, const double h[9])
{
    double c[4] = {0}, spread[2] = {0}, sum = 0, norm = 0, k[9];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < 4; j++)
            c[j] += (j < 2 ? from[i][j] : to[i][j - 2]) / n;
    for (int i = 0; i < n; i++) {
        spread[0] += hypot(from[i][0] - c[0], from[i][1] - c[1]) / n / sqrt(2);
        spread[1] += hypot(to[i][0] - c[2], to[i][1] - c[3]) / n / sqrt(2);
    }
    const double left[9] = {1 / spread[1], 0, -c[2] / spread[1], 0, 1 / spread[1], -c[3] / spread[1], 0, 0, 1};
    const double right[9] = {spread[0], 0, c[0], 0, spread[0], c[1], 0, 0, 1};
    double half[9];
    tl_homography_multiply(left, h, half);
    tl_homography_multiply(half, right, k);
    for (int i = 0; i < 9; i++)
        norm += k[i] * k[i];
    for (int i = 0; i < n; i++) {
        double x = (from[i][0] - c[0]) / spread[0], y = (from[i][1] - c[1]) / spread[0];
        double u = (to[i][0] - c[2]) / spread[1], v = (to[i][1] - c[3]) / spread[1];
        double w = k[6] * x + k[7] * y + k[8];
        sum += pow(k[0] * x + k[1] * y + k[2] - u * w, 2) + pow(k[3] * x + k[4] * y + k[5] - v * w, 2);
    }
    return sum / norm;
}

static void dlt_is_the_minimum(void **state)
{
    double from[9][2], to[9][2], h[9];

    (void)state;
    for (int trial = 0; trial < 10; trial++) {
        map_points(known, from, to, 9);
        for (int i = 0; i < 9; i++) {
            to[i][0] += 0.5 * gaussian();
            to[i][1] += 0.5 * gaussian();
        }
        assert_int_equal(tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, NULL, 9, h), 0);
        double least = algebraic((const double(*)[2])from, (const double(*)[2])to, 9, h);
        for (int i = 0; i < 2000; i++) { // no neighbour is better
            double other[9];
            for (int k = 0; k < 9; k++)
                other[k] = h[k] * (1 + pow(10, -1 - 4 * uniform()) * gaussian());
            assert_true(algebraic((const double(*)[2])from, (const double(*)[2])to, 9, other) >= least * (1 - 1e-7));
        }
    }
}

static void weights_count(void **state)
{
    double from[10][2], to[10][2], weight[10], h[9];

    (void)state;
    map_points(known, from, to, 10);
    for (int i = 0; i < 10; i++)
        weight[i] = 0.1 + uniform();
    to[3][0] += 50;
    weight[3] = 0;
    assert_int_equal(tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, weight, 10, h), 0);
    for (int i = 0; i < 9; i++)
        near(h[i] / known[i], 1, 1e-5);
    memset(weight, 0, sizeof weight);
    assert_int_equal(tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, weight, 10, h), -1);
}

static void degenerate_sets_are_refused(void **state)
{
    double from[8][2], to[8][2], h[9];

    (void)state;
    for (int i = 0; i < 8; i++) { // all on one line
        from[i][0] = 100 * i, from[i][1] = 50 * i;
        to[i][0] = i, to[i][1] = 2 * i;
    }
    for (int n = 0; n <= 8; n++)
        assert_int_equal(tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, NULL, n, h), -1);
    const double three[4][2] = {{0, 0}, {1, 1}, {2, 2}, {5, 1}}, square[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
    assert_int_equal(tl_homography_dlt(three, square, NULL, 4, h), -1);
    assert_int_equal(tl_homography_dlt(square, three, NULL, 4, h), -1);
    const double same[5][2] = {{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}};
    assert_int_equal(tl_homography_dlt(same, (const double(*)[2])to, NULL, 5, h), -1);
    static const double poison[] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++) {
        map_points(known, from, to, 8);
        from[5][1] = poison[k];
        assert_int_equal(tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, NULL, 8, h), -1);
    }
}

// A view of the synthetic camera by its exact homography (no lens).
static void exact_homography(const Synthetic *s, double h[9])
{
    const double ground[4][2] = {{10, 5}, {95, 5}, {80, 60}, {20, 60}};
    double picture[4][2];
    for (int i = 0; i < 4; i++)
        assert_true(synthetic_see(s, ground[i][0], ground[i][1], &picture[i][0], &picture[i][1]));
    assert_int_equal(tl_homography_dlt((const double(*)[2])picture, ground, NULL, 4, h), 0);
}

static Synthetic panning(double t)
{
    return (Synthetic){
        .place = {52.5, 98, 17}, .look = {40 + 10 * t, 34}, .focal_px = 1300 + 100 * t, .width = 1280, .height = 720};
}

static void interpolation_follows_the_camera(void **state)
{
    Synthetic a = panning(0), b = panning(1);
    double ha[9], hb[9], h[9];

    (void)state;
    exact_homography(&a, ha);
    exact_homography(&b, hb);
    for (int i = -2; i <= 10; i++) {
        double t = i / 8.0;
        Synthetic s = panning(t);
        assert_int_equal(tl_homography_interpolate(ha, hb, t, 1280, 720, h), 0);
        TlPitchView view = {.width = 1280, .height = 720};
        memcpy(view.straight, h, sizeof h);
        double worst = synthetic_error_px(&s, &view, NULL);
        near(worst, 0, t == 0 || t == 1 ? 1e-6 : 6.0);
        // Backwards it is the same path.
        double back[9];
        assert_int_equal(tl_homography_interpolate(hb, ha, 1 - t, 1280, 720, back), 0);
        near(tl_homography_distance_px(h, back, 1280, 720), 0, 1e-3);
    }
}

static Synthetic turning(double t)
{
    double angle = -0.15 + 0.3 * t; // about the vertical, the same tilt throughout
    return (Synthetic){.place = {52.5, 98, 17},
                       .look = {52.5 + 60 * sin(angle), 98 - 60 * cos(angle)},
                       .focal_px = 1300,
                       .width = 1280,
                       .height = 720};
}

static void even_turns_are_exact(void **state)
{
    Synthetic a = turning(0), b = turning(1);
    TlPitchView view = {.width = 1280, .height = 720};
    double ha[9], hb[9];

    (void)state;
    exact_homography(&a, ha);
    exact_homography(&b, hb);
    for (int i = -2; i <= 12; i++) {
        Synthetic s = turning(i / 10.0);
        assert_int_equal(tl_homography_interpolate(ha, hb, i / 10.0, 1280, 720, view.straight), 0);
        near(synthetic_error_px(&s, &view, NULL), 0, 1e-4);
    }
}

static void distance_in_pixels(void **state)
{
    Synthetic s = panning(0);
    double a[9], moved[9], x, y;

    (void)state;
    exact_homography(&s, a);
    near(tl_homography_distance_px(a, a, 1280, 720), 0, 1e-6);
    // b sees everything 3 px further right and 4 px lower: b = a after (x - 3, y - 4).
    tl_homography_multiply(a, (const double[9]){1, 0, -3, 0, 1, -4, 0, 0, 1}, moved);
    near(tl_homography_distance_px(a, moved, 1280, 720), 5, 1e-6);
    near(tl_homography_distance_px(moved, a, 1280, 720), 5, 1e-6);
    assert_int_equal(tl_homography_carry(a, moved, 600, 500, &x, &y), 0);
    near(x, 603, 1e-6);
    near(y, 504, 1e-6);
    assert_int_equal(tl_homography_carry(a, moved, 600, -5000, &x, &y), -1);
}

static void nothing_in_common(void **state)
{
    Synthetic left = panning(0), right = panning(0);
    double a[9], b[9], out[9];
    static const double zero[9], poison[9] = {NAN, 0, 0, 0, 1, 0, 0, 0, 1};

    (void)state;
    left.focal_px = right.focal_px = 12000;
    left.look[0] = 5;
    right.look[0] = 100;
    exact_homography(&left, a);
    exact_homography(&right, b);
    assert_int_equal(tl_homography_interpolate(a, b, 0.5, 1280, 720, out), -1);
    assert_true(isinf(tl_homography_distance_px(a, b, 1280, 720)));
    assert_int_equal(tl_homography_interpolate(a, zero, 0.5, 1280, 720, out), -1);
    assert_int_equal(tl_homography_interpolate(poison, b, 0.5, 1280, 720, out), -1);
    assert_int_equal(tl_homography_interpolate(a, a, NAN, 1280, 720, out), -1);
    assert_true(isinf(tl_homography_distance_px(zero, b, 1280, 720)));
    assert_true(isinf(tl_homography_distance_px(a, poison, 1280, 720)));
}

static void allocates_nothing(void **state)
{
    Synthetic s = panning(0), t = panning(1);
    double a[9], b[9], out[9];
    uint64_t before = tl_alloc_count();

    (void)state;
    exact_homography(&s, a);
    exact_homography(&t, b);
    assert_int_equal(tl_homography_interpolate(a, b, 0.5, 1280, 720, out), 0);
    assert_int_equal(tl_alloc_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apply_and_invert),
        cmocka_unit_test(singular_ones_are_refused),
        cmocka_unit_test(dlt_is_exact_on_exact_points),
        cmocka_unit_test(four_points_closed_form),
        cmocka_unit_test(dlt_is_the_minimum),
        cmocka_unit_test(weights_count),
        cmocka_unit_test(degenerate_sets_are_refused),
        cmocka_unit_test(interpolation_follows_the_camera),
        cmocka_unit_test(even_turns_are_exact),
        cmocka_unit_test(distance_in_pixels),
        cmocka_unit_test(nothing_in_common),
        cmocka_unit_test(allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
