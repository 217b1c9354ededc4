// Line refinement on drawn pictures whose camera is known exactly.
//
// Every pixel's place on the ground is found by Newton steps on the independent pinhole model, and painted by its
// distance from the laws' lines; players, a shadow edge and mowing stripes lie over it.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "synthetic.h"

enum { W = 1280, H = 720 };

static TlPitchModel model;
static uint8_t luma[W * H], chroma_u[W * H / 4], chroma_v[W * H / 4];

static TlPicture picture(void)
{
    return (TlPicture){W, H, {luma, chroma_u, chroma_v}, {W, W / 2, W / 2}};
}

// Share of paint (0..1) at a ground place, written from the laws, not from the model's pieces.
static double paint(double x, double y, double blur_m)
{
    double d = INFINITY, mx = fmin(x, 105 - x), my = fabs(y - 34), inside = 0.3;
    if (x > -inside && x < 105 + inside)
        d = fmin(d, fabs(my - 34));
    if (my < 34 + inside) {
        d = fmin(d, fabs(mx));
        d = fmin(d, fabs(x - 52.5));
    }
    for (int box = 0; box < 2; box++) {
        double depth = box ? 5.5 : 16.5, half = box ? 9.16 : 20.16;
        if (mx > -inside && mx < depth)
            d = fmin(d, fabs(my - half));
        if (my < half)
            d = fmin(d, fabs(mx - depth));
    }
    d = fmin(d, fabs(hypot(x - 52.5, y - 34) - 9.15));
    if (mx > 16.5)
        d = fmin(d, fabs(hypot(mx - 11, y - 34) - 9.15));
    double edge = (d - 0.06) / fmax(blur_m, 0.02);
    return edge < -0.5 ? 1 : edge > 0.5 ? 0 : 0.5 - edge;
}

// Where the ray through a pixel meets the ground.
static int ground_at(const Synthetic *s, double u, double v, double *x, double *y)
{
    double right[3], down[3], forward[3], ray[3];
    double a = (u - s->width * 0.5) / s->width, b = (v - s->height * 0.5) / s->width;
    double below = 1 + s->lens * (a * a + b * b), focal = s->focal_px / s->width;
    synthetic_axes(s, right, down, forward);
    for (int k = 0; k < 3; k++)
        ray[k] = a / below * right[k] + b / below * down[k] + focal * forward[k];
    if (ray[2] > -1e-3)
        return 0;
    double t = -s->place[2] / ray[2];
    *x = s->place[0] + t * ray[0];
    *y = s->place[1] + t * ray[1];
    return fabs(*x) < 400 && fabs(*y) < 400;
}

static uint8_t clamp(double value)
{
    return (uint8_t)fmin(fmax(value + 0.5, 0), 255);
}

// lines: 0 leaves the paint out.
static void draw(const Synthetic *s, int lines, double contrast)
{
    memset(chroma_u, 105, sizeof chroma_u);
    memset(chroma_v, 110, sizeof chroma_v);
    for (int row = 0; row < H; row++) {
        for (int column = 0; column < W; column++) {
            uint8_t *out = &luma[row * W + column];
            double x, y, below_x = 0, below_y = 0;
            if (!ground_at(s, column + 0.5, row + 0.5, &x, &y) ||
                !ground_at(s, column + 0.5, row + 1.5, &below_x, &below_y)) {
                *out = (uint8_t)(60 + 120 * uniform()); // stands
                chroma_u[row / 2 * (W / 2) + column / 2] = 128;
                chroma_v[row / 2 * (W / 2) + column / 2] = 140;
                continue;
            }
            double value = 90 + ((int)floor(x / 5.25) & 1 ? 8 : 0) + 2.5 * gaussian();
            if (y > 45)
                value *= 0.75; // shadow of the stand
            if (lines) {
                double share = paint(x, y, fmin(hypot(below_x - x, below_y - y), 2));
                value += contrast * share;
                if (share > 0.6 && contrast > 40) {
                    chroma_u[row / 2 * (W / 2) + column / 2] = 122;
                    chroma_v[row / 2 * (W / 2) + column / 2] = 122;
                }
            }
            *out = clamp(value);
        }
    }
    // Players in white, many of them on lines.
    for (int k = 0; k < 25; k++) {
        double u, v;
        int on_line = k % 2;
        if (!synthetic_see(s, on_line ? 52.5 : 105 * uniform(), 68 * uniform(), &u, &v))
            continue;
        for (int row = (int)v - 30; row < (int)v; row++)
            for (int column = (int)u - 6; column < (int)u + 6; column++)
                if (row >= 0 && row < H && column >= 0 && column < W) {
                    luma[row * W + column] = 220;
                    chroma_u[row / 2 * (W / 2) + column / 2] = 128;
                    chroma_v[row / 2 * (W / 2) + column / 2] = 128;
                }
    }
}

static TlPitchFit fit_with(const TlPoint *points, const TlPicture *shown, const TlPitchView *near)
{
    TlPitchFitParams params = {.width = W, .height = H, .picture = shown, .prior_view = near};
    TlPitchFit fit;
    tl_pitch_fit(&model, points, &params, &fit);
    return fit;
}

static void lines_mend_scattered_points(void **state)
{
    static const int cameras[] = {1, 3, 8, 12, 16, 24, 33};
    TlPoint points[32];
    TlPicture shown = picture();
    double before = 0, after = 0;
    int n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof cameras / sizeof *cameras; i++) {
        Synthetic s = synthetic_camera(cameras[i], W, H);
        draw(&s, 1, 50);
        for (int trial = 0; trial < 4; trial++) {
            if (synthetic_points(&s, &model, 3.5, points) < 8)
                continue;
            TlPitchFit plain = fit_with(points, NULL, NULL), sharp = fit_with(points, &shown, NULL);
            double a, b;
            assert_true(plain.valid && sharp.valid);
            synthetic_error_px(&s, &plain.view, &a);
            synthetic_error_px(&s, &sharp.view, &b);
            assert_true(b < a + 0.5);
            assert_true(sharp.lines_seen * 2 > sharp.lines_looked);
            before += a;
            after += b;
            n++;
        }
    }
    print_message("mean error of %d views: %.2f px by points, %.2f px with lines\n", n, before / n, after / n);
    assert_true(n > 15);
    assert_true(after < 0.35 * before && after / n < 1);
}

static void faint_lines(void **state)
{
    Synthetic s = synthetic_camera(10, W, H);
    TlPoint points[32];
    TlPicture shown = picture();

    (void)state;
    draw(&s, 1, 14);
    synthetic_points(&s, &model, 3, points);
    TlPitchFit plain = fit_with(points, NULL, NULL), sharp = fit_with(points, &shown, NULL);
    double a, b;
    assert_true(plain.valid && sharp.valid);
    synthetic_error_px(&s, &plain.view, &a);
    synthetic_error_px(&s, &sharp.view, &b);
    assert_true(b < a);
}

static void a_lawn_without_lines_changes_nothing(void **state)
{
    Synthetic s = synthetic_camera(10, W, H);
    TlPoint points[32], few[32] = {{0}};
    TlPicture shown = picture();

    (void)state;
    draw(&s, 0, 0);
    assert_true(synthetic_points(&s, &model, 2, points) >= 9);
    TlPitchFit plain = fit_with(points, NULL, NULL), sharp = fit_with(points, &shown, NULL);
    assert_true(plain.valid && sharp.valid);
    assert_memory_equal(&plain.view, &sharp.view, sizeof plain.view);
    assert_true(sharp.lines_seen * 5 < sharp.lines_looked);
    // Few points and none of the lines that they promise: not believed.
    int kept = 0;
    for (int k = 0; k < 32 && kept < 5; k++)
        if (points[k].confidence > 0 && k % 3 == 0) {
            few[k] = points[k];
            kept++;
        }
    assert_false(fit_with(few, &shown, NULL).valid);
}

static void lines_alone_follow_a_near_frame(void **state)
{
    Synthetic s = synthetic_camera(10, W, H), moved = s;
    TlPoint points[32], none[32] = {{0}};
    TlPicture shown = picture();

    (void)state;
    synthetic_points(&s, &model, 0.5, points);
    TlPitchFit last = fit_with(points, NULL, NULL);
    assert_true(last.valid);
    moved.look[0] += 0.3;
    moved.focal_px *= 1.003;
    draw(&moved, 1, 50);
    assert_false(fit_with(none, &shown, NULL).valid);
    TlPitchFit fit = fit_with(none, &shown, &last.view);
    double mean;
    assert_true(fit.valid);
    assert_int_equal(fit.inliers, 0);
    synthetic_error_px(&moved, &fit.view, &mean);
    assert_true(mean < 1.5);
    // A cut to something else: nothing is invented.
    draw(&moved, 0, 0);
    assert_false(fit_with(none, &shown, &last.view).valid);
    for (int i = 0; i < W * H; i++)
        luma[i] = (uint8_t)(255 * uniform());
    assert_false(fit_with(none, &shown, &last.view).valid);
}

// The last view belongs to another camera (a cut that nobody noticed): points and lines must win against it.
static void lines_overrule_a_false_near_frame(void **state)
{
    Synthetic other = synthetic_camera(8, W, H);
    TlPoint points[32];
    TlPicture shown = picture();
    static const int cameras[] = {3, 16, 33};

    (void)state;
    synthetic_points(&other, &model, 0, points);
    TlPitchFit wrong = fit_with(points, NULL, NULL);
    assert_true(wrong.valid);
    for (size_t i = 0; i < sizeof cameras / sizeof *cameras; i++) {
        Synthetic s = synthetic_camera(cameras[i], W, H);
        double mean;
        draw(&s, 1, 50);
        assert_true(synthetic_points(&s, &model, 3, points) >= 8);
        TlPitchFit fit = fit_with(points, &shown, &wrong.view);
        assert_true(fit.valid);
        synthetic_error_px(&s, &fit.view, &mean);
        assert_true(mean < 1);
    }
}

static void odd_pictures(void **state)
{
    Synthetic s = synthetic_camera(10, W, H);
    TlPoint points[32];
    TlPicture shown = picture();

    (void)state;
    synthetic_points(&s, &model, 1, points);
    TlPitchFit plain = fit_with(points, NULL, NULL);
    draw(&s, 1, 50);
    shown.plane[1] = shown.plane[2] = NULL; // grey picture
    TlPitchFit grey = fit_with(points, &shown, NULL);
    assert_true(grey.valid && grey.lines_seen > 50);
    shown.plane[0] = NULL;
    TlPitchFit none = fit_with(points, &shown, NULL);
    assert_memory_equal(&none, &plain, sizeof none);
    shown = picture();
    shown.width = W / 2; // of another size than the points: left alone
    TlPitchFit other = fit_with(points, &shown, NULL);
    assert_memory_equal(&other.view, &plain.view, sizeof other.view);
    memset(luma, 255, sizeof luma);
    shown = picture();
    TlPitchFit white = fit_with(points, &shown, NULL);
    assert_memory_equal(&white.view, &plain.view, sizeof white.view);
    // A tiny picture: heap memory of exactly its size, so that a read outside is caught by the sanitizer.
    uint8_t *tiny = malloc(16 * 16 * 3 / 2);
    memset(tiny, 90, 16 * 16 * 3 / 2);
    TlPicture small = {16, 16, {tiny, tiny + 256, tiny + 320}, {16, 8, 8}};
    TlPitchFitParams params = {.width = 16, .height = 16, .picture = &small};
    for (int k = 0; k < 32; k++) {
        points[k].x *= 16.0F / W;
        points[k].y *= 16.0F / H;
    }
    tl_pitch_fit(&model, points, &params, &other);
    free(tiny);
}

// Borders: exactly allocated planes, every part of the search window pushed over the edge.
static void reads_stay_inside(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        int w = 320 + 2 * i, h = 180 + 2 * (i % 3);
        uint8_t *y = malloc((size_t)w * h), *u = malloc((size_t)w / 2 * h / 2), *v = malloc((size_t)w / 2 * h / 2);
        TlPicture shown = {w, h, {y, u, v}, {w, w / 2, w / 2}};
        TlPoint points[32];
        Synthetic s = synthetic_camera(i, w, h);
        for (int k = 0; k < w * h; k++)
            y[k] = (uint8_t)(255 * uniform());
        memset(u, 110, (size_t)w / 2 * h / 2);
        memset(v, 110, (size_t)w / 2 * h / 2);
        synthetic_points(&s, &model, 0.5, points);
        TlPitchFitParams params = {.width = w, .height = h, .picture = &shown};
        TlPitchFit fit;
        tl_pitch_fit(&model, points, &params, &fit);
        free(y);
        free(u);
        free(v);
    }
}

static void same_bytes_without_memory(void **state)
{
    Synthetic s = synthetic_camera(3, W, H);
    TlPoint points[32];
    TlPicture shown = picture();

    (void)state;
    draw(&s, 1, 50);
    synthetic_points(&s, &model, 3, points);
    uint64_t before = tl_alloc_count();
    TlPitchFit first = fit_with(points, &shown, NULL);
    for (int i = 0; i < 3; i++) {
        TlPitchFit again = fit_with(points, &shown, NULL);
        assert_memory_equal(&first, &again, sizeof first);
    }
    assert_int_equal(tl_alloc_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_mend_scattered_points),
        cmocka_unit_test(faint_lines),
        cmocka_unit_test(a_lawn_without_lines_changes_nothing),
        cmocka_unit_test(lines_alone_follow_a_near_frame),
        cmocka_unit_test(lines_overrule_a_false_near_frame),
        cmocka_unit_test(odd_pictures),
        cmocka_unit_test(reads_stay_inside),
        cmocka_unit_test(same_bytes_without_memory),
    };
    tl_pitch_model_init(&model, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
