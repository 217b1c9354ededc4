// Labelled frames of real matches: what the true pitch, the lens and the painted lines are worth.
//
// Needs the data folder beside the repository (see the project's papers); counts as skipped without it.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "synthetic.h"

#define DATA TL_SOURCE_DIR "/../shared/data/pitch"

enum { FRAMES_MAX = 600, ERRORS_MAX = FRAMES_MAX * 32, WIDTH = 1920, HEIGHT = 1080 };

typedef struct Labelled {
    char name[64];
    TlPoint points[32];
} Labelled;

static TlPitchModel model;
static Labelled frames[FRAMES_MAX];
static int frame_count;

static int is_label(const struct dirent *entry)
{
    return strstr(entry->d_name, ".txt") != NULL;
}

static void load(void)
{
    struct dirent **entries;
    int n = scandir(DATA "/labels", &entries, is_label, alphasort);
    for (int i = 0; i < n && i < FRAMES_MAX; i++) {
        char path[600];
        double x, y, seen;
        Labelled *frame = &frames[frame_count];
        snprintf(path, sizeof path, "%s/labels/%s", DATA, entries[i]->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        snprintf(frame->name, sizeof frame->name, "%.*s", (int)strlen(entries[i]->d_name) - 4, entries[i]->d_name);
        int good = fscanf(file, "%*f %*f %*f %*f %*f") == 0;
        for (int k = 0; good && k < 32; k++) {
            good = fscanf(file, "%lf %lf %lf", &x, &y, &seen) == 3;
            frame->points[k] = seen > 0 ? (TlPoint){(float)(x * WIDTH), (float)(y * HEIGHT), 1} : (TlPoint){0, 0, 0};
        }
        fclose(file);
        free(entries[i]);
        frame_count += good;
    }
    if (n >= 0)
        free(entries);
}

typedef struct Errors {
    double px[ERRORS_MAX], m[ERRORS_MAX];
    int count;
} Errors;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int n, double q)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n ? values[(int)fmin(n - 1, q * n)] : NAN;
}

static void collect(Errors *errors, const TlPitchView *view, const TlPoint truth[32])
{
    for (int k = 0; k < 32; k++) {
        double u, v, x, y;
        if (!(truth[k].confidence > 0))
            continue;
        int hidden = tl_view_picture(view, model.point[k][0], model.point[k][1], &u, &v);
        errors->px[errors->count] = hidden ? 1e4 : hypot(u - truth[k].x, v - truth[k].y);
        hidden = tl_view_ground(view, truth[k].x, truth[k].y, &x, &y);
        errors->m[errors->count++] = hidden ? 1e4 : hypot(x - model.point[k][0], y - model.point[k][1]);
    }
}

static TlPitchView plain(const double homography[9])
{
    TlPitchView view = {.width = WIDTH, .height = HEIGHT};
    memcpy(view.straight, homography, sizeof view.straight);
    return view;
}

// The centimetre table of the subnet's protocol, as fractions of its own size, laid over 105 x 68 m by its homography.
static const double drawing[32][2] = {
    {0, 0},        {0, 1450},     {0, 2584},     {0, 4416},    {0, 5550},     {0, 7000},     {550, 2584},
    {550, 4416},   {1100, 3500},  {2015, 1450},  {2015, 2584}, {2015, 4416},  {2015, 5550},  {6000, 0},
    {6000, 2585},  {6000, 4415},  {6000, 7000},  {9985, 1450}, {9985, 2584},  {9985, 4416},  {9985, 5550},
    {10900, 3500}, {11450, 2584}, {11450, 4416}, {12000, 0},   {12000, 1450}, {12000, 2584}, {12000, 4416},
    {12000, 5550}, {12000, 7000}, {5085, 3500},  {6915, 3500},
};

// Median residual in px of least-squares homographies from a table of points to the labels.
static double residual_of(const double table[32][2])
{
    static double all[ERRORS_MAX];
    int n = 0;
    for (int i = 0; i < frame_count; i++) {
        double from[32][2], to[32][2], h[9], u, v;
        int count = 0;
        for (int k = 0; k < 32; k++)
            if (frames[i].points[k].confidence > 0) {
                memcpy(from[count], table[k], sizeof from[count]);
                to[count][0] = frames[i].points[k].x;
                to[count++][1] = frames[i].points[k].y;
            }
        if (tl_homography_dlt((const double(*)[2])from, (const double(*)[2])to, NULL, count, h))
            continue;
        for (int k = 0; k < count; k++) {
            tl_homography_apply(h, from[k][0], from[k][1], &u, &v);
            all[n++] = hypot(u - to[k][0], v - to[k][1]);
        }
    }
    return quantile(all, n, 0.5);
}

static void the_laws_fit_and_the_drawing_does_not(void **state)
{
    (void)state;
    double laws = residual_of((const double(*)[2])model.point), table = residual_of(drawing);
    print_message("plain homographies on %d frames: %.2f px to the laws' pitch, %.2f px to the drawing\n", frame_count,
                  laws, table);
    assert_true(laws > 2 && laws < 3.4);
    assert_true(table > 8 && table < 12);
}

static void every_real_frame_has_a_camera(void **state)
{
    static Errors with_lens, without;
    int invalid = 0, far = 0;

    (void)state;
    for (int i = 0; i < frame_count; i++) {
        TlPitchFitParams params = {.width = WIDTH, .height = HEIGHT};
        TlPitchFit fit;
        TlCameraPose pose;
        tl_pitch_fit(&model, frames[i].points, &params, &fit);
        if (!fit.valid) {
            invalid++;
            continue;
        }
        TlPitchView flat = plain(fit.homography);
        collect(&with_lens, &fit.view, frames[i].points);
        collect(&without, &flat, frames[i].points);
        assert_int_equal(tl_pitch_camera(fit.view.straight, WIDTH, HEIGHT, &pose), 0);
        // All matches were filmed from the main stand.
        far += !(pose.position_m[0] > 40 && pose.position_m[0] < 65 && pose.position_m[1] > 85 &&
                 pose.position_m[1] < 120 && pose.position_m[2] > 10 && pose.position_m[2] < 26);
    }
    double lens_px = quantile(with_lens.px, with_lens.count, 0.5), flat_px = quantile(without.px, without.count, 0.5);
    print_message("fits: %d refused (one is labelled as its mirror image), view %.2f px %.3f m, homography %.2f px "
                  "%.3f m (medians)\n",
                  invalid, lens_px, quantile(with_lens.m, with_lens.count, 0.5), flat_px,
                  quantile(without.m, without.count, 0.5));
    assert_true(invalid * 100 <= frame_count);
    assert_true(far * 100 <= frame_count * 2);
    assert_true(lens_px < 2.2 && flat_px < 3.2);
    assert_true(quantile(with_lens.m, with_lens.count, 0.95) < 1.0);
}

// Scattered labels stand for a network's points; the lines of the picture must mend them.
static void lines_mend_scattered_labels(void **state)
{
    static Errors before, after, flat_before, flat_after;
    int used = 0, worse = 0;

    (void)state;
    for (int i = 0; i < frame_count; i += 8) {
        char path[600];
        TlReader *reader = NULL;
        TlFrame *frame = NULL;
        TlDiag diag = {0};
        snprintf(path, sizeof path, "%s/images/%s.jpg", DATA, frames[i].name);
        TlReaderParams source = {.input = path, .threads = 1};
        if (tl_reader_open(&reader, &source, &diag) < 0 || tl_reader_next(reader, &frame, &diag) < 0)
            fail_msg("%s: %s", path, diag.text);
        TlPoint points[32];
        double scatter = 4 + used % 5; // px
        memcpy(points, frames[i].points, sizeof points);
        for (int k = 0; k < 32; k++) {
            points[k].x += (float)(scatter * gaussian());
            points[k].y += (float)(scatter * gaussian());
        }
        TlPitchFitParams params = {.width = WIDTH, .height = HEIGHT};
        TlPitchFit by_points, by_lines;
        assert_int_equal(frame->picture.width, WIDTH);
        tl_pitch_fit(&model, points, &params, &by_points);
        params.picture = &frame->picture;
        tl_pitch_fit(&model, points, &params, &by_lines);
        if (by_points.valid && by_lines.valid) {
            TlPitchView a = plain(by_points.homography), b = plain(by_lines.homography);
            int first = before.count;
            double sum[2] = {0};
            collect(&before, &by_points.view, frames[i].points);
            collect(&after, &by_lines.view, frames[i].points);
            collect(&flat_before, &a, frames[i].points);
            collect(&flat_after, &b, frames[i].points);
            for (int k = first; k < before.count; k++) {
                sum[0] += fmin(before.px[k], 50);
                sum[1] += fmin(after.px[k], 50);
            }
            worse += sum[1] > sum[0] + 2.0 * (before.count - first);
            used++;
        }
        tl_frame_unref(&frame);
        tl_reader_close(&reader);
    }
    double m[4] = {quantile(before.m, before.count, 0.5), quantile(after.m, after.count, 0.5),
                   quantile(flat_before.m, flat_before.count, 0.5), quantile(flat_after.m, flat_after.count, 0.5)};
    print_message(
        "labels scattered by 4 to 8 px, %d frames, median / 95 %% on the grass:\n"
        "  points %.3f / %.2f m, with lines %.3f / %.2f m; as plain homographies %.3f / %.2f and %.3f / %.2f m\n",
        used, m[0], quantile(before.m, before.count, 0.95), m[1], quantile(after.m, after.count, 0.95), m[2],
        quantile(flat_before.m, flat_before.count, 0.95), m[3], quantile(flat_after.m, flat_after.count, 0.95));
    assert_true(used > 20);
    assert_true(m[1] < 0.65 * m[0] && m[1] < 0.26);
    assert_true(m[3] < 0.75 * m[2]);
    assert_true(worse * 10 <= used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_laws_fit_and_the_drawing_does_not),
        cmocka_unit_test(every_real_frame_has_a_camera),
        cmocka_unit_test(lines_mend_scattered_labels),
    };
    tl_pitch_model_init(&model, 0, 0);
    load();
    if (frame_count < 50) {
        fprintf(stderr, "skipped: no labelled frames in %s\n", DATA);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
