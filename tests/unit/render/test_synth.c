// The synthetic match: its truth against its pictures and against itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/render.h>

#include "base/mem.h"
#include "pitch/pitch.h"

static TlSynth *open_synth(TlSynthParams params)
{
    TlSynth *synth = NULL;
    TlDiag diag = {0};
    assert_int_equal(tl_synth_open(&synth, &params, &diag), TL_OK);
    assert_non_null(synth);
    return synth;
}

static uint64_t hash(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *byte = data;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ byte[i]) * 0x100000001b3u;
    return sum;
}

// Hash of all pixels and truths of a short clip.
static uint64_t clip_hash(TlSynthParams params)
{
    TlSynth *synth = open_synth(params);
    TlPicture picture;
    TlRecord truth;
    uint64_t sum = 0xcbf29ce484222325u;
    while (tl_synth_next(synth, &picture, &truth, NULL) == TL_OK) {
        for (int i = 0; i < 3; i++) {
            int w = i ? (picture.width + 1) / 2 : picture.width, h = i ? (picture.height + 1) / 2 : picture.height;
            for (int y = 0; y < h; y++)
                sum = hash(sum, picture.plane[i] + (ptrdiff_t)y * picture.stride[i], (size_t)w);
        }
        sum = hash(sum, &truth, sizeof(truth));
    }
    tl_synth_close(&synth);
    assert_null(synth);
    return sum;
}

static void check_objects(const TlRecord *truth, int width, int height)
{
    for (int i = 0; i < truth->object_count; i++) {
        const TlObject *object = &truth->objects[i];
        assert_true(object->bbox[0] >= 0 && object->bbox[1] >= 0 && object->bbox[2] <= width &&
                    object->bbox[3] <= height);
        assert_true(object->bbox[0] < object->bbox[2] && object->bbox[1] < object->bbox[3]);
        assert_in_range(object->class_id, 0, TL_CLASS_COUNT - 1);
        assert_true(object->id >= 1 && object->has_pitch && object->score == 1.0f);
        assert_true(object->pitch[0] > -30 && object->pitch[0] < 135 && object->pitch[1] > -30 &&
                    object->pitch[1] < 98);
        if (i > 0)
            assert_true(truth->objects[i - 1].id < object->id); // ascending, hence unique
    }
}

// The points of the truth go through its homography to the laws of the game within half a pixel.
static void check_points(const TlRecord *truth, int width, int height)
{
    TlPitchModel model;
    double back[9];
    tl_pitch_model_init(&model, 0, 0);
    int seen = 0;
    for (int i = 0; i < TL_POINT_COUNT; i++)
        seen += truth->points[i].confidence > 0;
    if (!truth->has_homography) {
        assert_int_equal(seen, 0);
        return;
    }
    assert_int_equal(tl_homography_invert(truth->homography, back), 0);
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        const TlPoint *p = &truth->points[i];
        if (p->confidence == 0) {
            assert_true(p->x == 0 && p->y == 0);
            continue;
        }
        double x, y, mx, my;
        assert_true(p->x >= 0 && p->y >= 0 && p->x < width && p->y < height);
        tl_homography_apply(back, model.point[i][0], model.point[i][1], &x, &y);
        assert_true(fabs(x - p->x) < 0.5 && fabs(y - p->y) < 0.5);
        tl_homography_apply(truth->homography, p->x, p->y, &mx, &my);
        assert_true(fabs(mx - model.point[i][0]) < 0.05 && fabs(my - model.point[i][1]) < 0.05);
    }
}

// Feet stand where the homography says, except for who is cut by the picture, occluded, or in the air.
static void check_feet(const TlRecord *truth, int width, int height, int *checked)
{
    for (int i = 0; i < truth->object_count && truth->has_homography; i++) {
        const TlObject *object = &truth->objects[i];
        const float *b = object->bbox;
        if (object->class_id == TL_CLASS_BALL || b[0] < 2 || b[1] < 2 || b[2] > width - 2 || b[3] > height - 2)
            continue;
        double back[9], x, y;
        assert_int_equal(tl_homography_invert(truth->homography, back), 0);
        tl_homography_apply(back, object->pitch[0], object->pitch[1], &x, &y);
        double tall = b[3] - b[1];
        assert_true(x > b[0] - 0.35 * tall && x < b[2] + 0.35 * tall);
        assert_true(fabs(y - b[3]) < 0.22 * tall + 2);
        ++*checked;
    }
}

static void truth_agrees_with_itself(void **state)
{
    (void)state;
    for (int camera = 0; camera < TL_CAMERA_COUNT; camera++) {
        int width = 640, height = 360, frames = 0, people = 0, points = 0, feet = 0, ball = 0;
        TlSynth *synth = open_synth((TlSynthParams){.seconds = 6,
                                                    .fps = 10,
                                                    .seed = 5u + (unsigned)camera,
                                                    .camera = camera,
                                                    .width = width,
                                                    .height = height});
        TlStreamInfo info;
        tl_synth_info(synth, &info);
        assert_int_equal(info.width, width);
        assert_int_equal(info.frame_count_estimate, 60);
        TlPicture picture;
        TlRecord truth;
        int ret;
        while ((ret = tl_synth_next(synth, &picture, &truth, NULL)) == TL_OK) {
            assert_int_equal(truth.frame, frames);
            assert_true(fabs(truth.time_s - frames / 10.0) < 1e-9);
            assert_int_equal(picture.width, width);
            check_objects(&truth, width, height);
            check_points(&truth, width, height);
            check_feet(&truth, width, height, &feet);
            for (int i = 0; i < TL_POINT_COUNT; i++)
                points += truth.points[i].confidence > 0;
            for (int i = 0; i < truth.object_count; i++) {
                people += truth.objects[i].class_id != TL_CLASS_BALL;
                ball += truth.objects[i].class_id == TL_CLASS_BALL;
            }
            frames++;
        }
        assert_int_equal(ret, TL_EOF);
        assert_int_equal(frames, 60);
        assert_true(people > 60 * 5);
        assert_true(points > 60 * 2);
        assert_true(feet > 60 * 3);
        assert_true(ball > 20);
        tl_synth_close(&synth);
    }
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    TlSynthParams params = {.seconds = 1, .fps = 6, .width = 320, .height = 180, .seed = 9};
    uint64_t first = clip_hash(params), again = clip_hash(params);
    assert_true(first == again);
    params.seed = 10;
    assert_true(clip_hash(params) != first);
    params.seed = 9;
    params.camera = TL_CAMERA_STATIC;
    assert_true(clip_hash(params) != first);
}

static double luma_at(const TlPicture *picture, double x, double y)
{
    int ix = (int)x, iy = (int)y;
    if (ix < 1 || iy < 1 || ix + 1 >= picture->width || iy + 1 >= picture->height)
        return -1;
    double sum = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            sum += picture->plane[0][(ptrdiff_t)(iy + dy) * picture->stride[0] + ix + dx];
    return sum / 9;
}

static int free_of_objects(const TlRecord *truth, double x, double y)
{
    for (int i = 0; i < truth->object_count; i++) {
        const float *b = truth->objects[i].bbox;
        double margin = (b[3] - b[1]) * 1.5; // with room for shadows
        if (x > b[0] - margin && x < b[2] + margin && y > b[1] - margin && y < b[3] + margin)
            return 0;
    }
    return 1;
}

// Along every painted line, the picture is brighter on the line than beside it.
static void lines_lie_where_the_homography_says(void **state)
{
    (void)state;
    static double segment[512][4];
    TlPitchModel model;
    tl_pitch_model_init(&model, 0, 0);
    int count = tl_pitch_segments(&model, segment, 512), brighter = 0, samples = 0;
    for (unsigned seed = 1; seed <= 6; seed++) {
        TlSynth *synth = open_synth((TlSynthParams){.seconds = 1, .fps = 1, .seed = seed});
        TlPicture picture;
        TlRecord truth;
        double back[9];
        assert_int_equal(tl_synth_next(synth, &picture, &truth, NULL), TL_OK);
        assert_int_equal(tl_homography_invert(truth.homography, back), 0);
        for (int i = 0; i < count; i++) {
            double dx = segment[i][2] - segment[i][0], dy = segment[i][3] - segment[i][1],
                   size = sqrt(dx * dx + dy * dy);
            for (double at = 0.5; at < size; at += 1) {
                double mx = segment[i][0] + dx * at / size, my = segment[i][1] + dy * at / size, p[3][2], luma[3];
                for (int k = 0; k < 3; k++) { // on the line and 45 cm to both sides
                    double off = (k - 1) * 0.45;
                    tl_homography_apply(back, mx - dy / size * off, my + dx / size * off, &p[k][0], &p[k][1]);
                    luma[k] = luma_at(&picture, p[k][0], p[k][1]);
                }
                double apart = hypot(p[2][0] - p[0][0], p[2][1] - p[0][1]);
                if (luma[0] < 0 || luma[1] < 0 || luma[2] < 0 || apart < 8 || p[1][1] < 110 ||
                    !free_of_objects(&truth, p[1][0], p[1][1]))
                    continue;
                samples++;
                brighter += luma[1] > luma[0] + 3 && luma[1] > luma[2] + 3;
            }
        }
        tl_synth_close(&synth);
    }
    assert_true(samples > 300);
    assert_true(brighter > samples * 0.97);
}

// A player's box holds pixels that differ from the grass around it.
static void boxes_are_tight(void **state)
{
    (void)state;
    int tested = 0, wide = 0;
    TlSynth *synth = open_synth((TlSynthParams){.seconds = 2, .fps = 5, .seed = 2});
    TlPicture picture;
    TlRecord truth;
    while (tl_synth_next(synth, &picture, &truth, NULL) == TL_OK) {
        for (int i = 0; i < truth.object_count; i++) {
            const float *b = truth.objects[i].bbox;
            if (truth.objects[i].class_id == TL_CLASS_BALL)
                continue;
            double w = b[2] - b[0], h = b[3] - b[1];
            if (b[0] < 2 || b[2] > picture.width - 2 || b[3] > picture.height - 2)
                continue;
            tested++;
            wide += w > h * 1.1 || h < 12 || h > 200;
        }
    }
    assert_true(tested > 50);
    assert_int_equal(wide, 0);
    tl_synth_close(&synth);
}

static void close_ups_show_no_points(void **state)
{
    (void)state;
    int close = 0, other = 0;
    TlSynth *synth = open_synth(
        (TlSynthParams){.seconds = 40, .fps = 2, .seed = 3, .camera = TL_CAMERA_CUT, .width = 320, .height = 180});
    TlPicture picture;
    TlRecord truth;
    while (tl_synth_next(synth, &picture, &truth, NULL) == TL_OK) {
        check_objects(&truth, 320, 180);
        check_points(&truth, 320, 180);
        close += !truth.has_homography;
        other += truth.has_homography;
    }
    assert_true(close > 0);
    assert_true(other > close);
    tl_synth_close(&synth);
}

static void behind_is_a_camera_behind_a_goal(void **state)
{
    (void)state;
    int left = 0;
    for (unsigned seed = 1; seed <= 8; seed++) {
        TlSynth *synth = open_synth((TlSynthParams){
            .seconds = 0.6, .fps = 5, .seed = seed, .camera = TL_CAMERA_BEHIND, .width = 320, .height = 180});
        TlPicture picture;
        TlRecord truth;
        TlCameraPose first = {0}, pose;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(tl_synth_next(synth, &picture, &truth, NULL), TL_OK);
            assert_true(truth.has_homography);
            assert_int_equal(tl_pitch_camera(truth.homography, 320, 180, &pose), 0);
            first = i ? first : pose;
            assert_true(fabs(pose.pan - first.pan) < 1e-9 && fabs(pose.position_m[0] - first.position_m[0]) < 1e-6);
        }
        int is_left = pose.position_m[0] < 52.5;
        double back = is_left ? -pose.position_m[0] : pose.position_m[0] - 105;
        assert_true(back > 10 && back < 62);
        assert_true(fabs(pose.position_m[1] - 34) < 40);
        assert_true(pose.position_m[2] > 7 && pose.position_m[2] < 46);
        assert_true(fabs(pose.pan - (is_left ? 1 : -1) * 1.5707963) < 0.7); // along the pitch
        left += is_left;
        tl_synth_close(&synth);
    }
    assert_in_range(left, 1, 7);
}

static void players_move_like_players(void **state)
{
    (void)state;
    static float last[TL_OBJECT_MAX * 2][2];
    static int known[TL_OBJECT_MAX * 2];
    double fastest = 0, way = 0;
    TlSynth *synth = open_synth(
        (TlSynthParams){.seconds = 20, .fps = 25, .seed = 4, .camera = TL_CAMERA_STATIC, .width = 320, .height = 180});
    TlPicture picture;
    TlRecord truth;
    while (tl_synth_next(synth, &picture, &truth, NULL) == TL_OK) {
        for (int i = 0; i < truth.object_count; i++) {
            const TlObject *o = &truth.objects[i];
            assert_in_range(o->id, 1, TL_OBJECT_MAX * 2 - 1);
            double step = hypot(o->pitch[0] - last[o->id][0], o->pitch[1] - last[o->id][1]);
            if (known[o->id] == truth.frame + 1 && o->class_id != TL_CLASS_BALL) {
                fastest = fmax(fastest, step * 25);
                way += step;
            }
            memcpy(last[o->id], o->pitch, sizeof(last[0]));
            known[o->id] = (int)truth.frame + 2; // 0 = never
        }
    }
    assert_true(fastest < 11);
    assert_true(way > 200);
    tl_synth_close(&synth);
}

static void nothing_is_allocated_once_warm(void **state)
{
    (void)state;
    TlSynth *synth = open_synth(
        (TlSynthParams){.seconds = 10, .fps = 5, .seed = 3, .camera = TL_CAMERA_CUT, .width = 320, .height = 180});
    TlPicture picture;
    TlRecord truth;
    assert_int_equal(tl_synth_next(synth, &picture, &truth, NULL), TL_OK);
    uint64_t before = tl_alloc_count();
    while (tl_synth_next(synth, &picture, &truth, NULL) == TL_OK)
        continue;
    assert_int_equal(tl_alloc_count(), before);
    tl_synth_close(&synth);
}

static void odd_sizes_and_extremes(void **state)
{
    (void)state;
    const TlSynthParams good[] = {
        {.seconds = 0.2, .width = 65, .height = 67},
        {.seconds = 0.2, .width = 641, .height = 361, .players = 100},
        {.seconds = 0.1, .width = 1920, .height = 1080, .fps = 50, .players = 1},
        {.seconds = 0.2, .width = 400, .height = 900, .camera = TL_CAMERA_CUT},
        {.seconds = 0.2, .width = 1200, .height = 64, .fps = 29.97},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        TlSynth *synth = open_synth(good[i]);
        TlPicture picture;
        TlRecord truth;
        while (tl_synth_next(synth, &picture, &truth, NULL) == TL_OK) {
            check_objects(&truth, good[i].width, good[i].height);
            check_points(&truth, good[i].width, good[i].height);
        }
        tl_synth_close(&synth);
    }
    const TlSynthParams bad[] = {
        {.seconds = -1},
        {.seconds = NAN},
        {.fps = 0.2},
        {.fps = INFINITY},
        {.width = 10, .height = 10},
        {.width = 100000, .height = 720},
        {.camera = TL_CAMERA_COUNT},
        {.camera = -1},
        {.players = 101},
        {.players = -3},
        {.width = 640},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TlSynth *synth = (TlSynth *)(uintptr_t)1;
        TlDiag diag = {0};
        assert_int_equal(tl_synth_open(&synth, &bad[i], &diag), TL_EUSAGE);
        assert_null(synth);
        assert_true(diag.text[0] != 0);
    }
    tl_synth_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truth_agrees_with_itself),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(lines_lie_where_the_homography_says),
        cmocka_unit_test(boxes_are_tight),
        cmocka_unit_test(close_ups_show_no_points),
        cmocka_unit_test(behind_is_a_camera_behind_a_goal),
        cmocka_unit_test(players_move_like_players),
        cmocka_unit_test(nothing_is_allocated_once_warm),
        cmocka_unit_test(odd_sizes_and_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
