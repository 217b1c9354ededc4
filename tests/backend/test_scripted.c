// The scripted backend together with the heads: what the script says is what comes out, frame by frame.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "infer/infer.h"
#include "post/post.h"

static char g_path[64];

typedef struct Run {
    TlModelMeta meta;
    TlInfer *infer;
    const TlHeadOps *head;
    TlPostParams post;
    TlLetterbox box;
    const TlTensor *outputs[2];
} Run;

// Opens a script for pictures of src_w x src_h; width 0 = the script's own network size.
static void open_run(Run *run, const char *text, int points, int src_w, int src_h, int width, int height, int batch)
{
    TlDiag diag = {0};
    int own_w = 0, own_h = 0;
    FILE *file = fopen(g_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    if (tl_model_meta_read(&run->meta, g_path, &diag) < 0)
        fail_msg("%s", diag.text);
    run->head = tl_head_find(&run->meta, points, &run->post, &own_w, &own_h, &diag);
    assert_non_null(run->head);
    width = width ? width : own_w;
    height = height ? height : own_h;
    TlInferParams params = {.backend = "auto",
                            .device = "auto",
                            .model = g_path,
                            .batch = batch,
                            .width = width,
                            .height = height,
                            .threads = 1,
                            .slots = 1,
                            .meta = &run->meta};
    if (tl_infer_open(&run->infer, &params, &diag) < 0)
        fail_msg("%s", diag.text);
    tl_letterbox_init(&run->box, src_w, src_h, width, height, run->head->anchor);
    run->outputs[0] = tl_infer_output(run->infer, 0, 0);
    run->outputs[1] = tl_infer_output(run->infer, 0, 1);
}

static void next(Run *run, int filled)
{
    assert_int_equal(tl_infer_submit(run->infer, 0, filled, NULL), TL_OK);
    assert_int_equal(tl_infer_wait(run->infer, 0, NULL), TL_OK);
}

static void boxes_of_the_script(void **state)
{
    (void)state;
    static Run run;
    static TlDetections out;
    const char *text = "touchline-script 1\nhead centers\nsize 640 384\nsource 1920 1080\n"
                       "thresholds ball=0.25,goalkeeper=0.4,player=0.4,referee=0.4\n"
                       "frame\nbox player 100 200 160 380 0.9\nbox ball 700.5 300 722 321.25 0.3\n"
                       "box referee 1850 1000 1920 1080 0.5\n"
                       "frame 2\nbox goalkeeper 0 0 50 120 0.99\nbox player 900 500 960 700 0.3\n";
    const int nets[][2] = {{0, 0}, {640, 384}, {1280, 736}, {320, 192}};
    for (int i = 0; i < 4; i++) { // with a source size any network size gives the same answer
        open_run(&run, text, 0, 1920, 1080, nets[i][0], nets[i][1], 1);
        assert_string_equal(run.head->name, "centers");
        next(&run, 1);
        run.head->detections(run.outputs, 2, 0, &run.box, &run.post, &out);
        assert_int_equal(out.count, 3);
        const float want[3][4] = {{100, 200, 160, 380}, {1850, 1000, 1920, 1080}, {700.5f, 300, 722, 321.25f}};
        const int classes[3] = {TL_CLASS_PLAYER, TL_CLASS_REFEREE, TL_CLASS_BALL};
        const float scores[3] = {0.9f, 0.5f, 0.3f};
        for (int k = 0; k < 3; k++) {
            assert_int_equal(out.item[k].class_id, classes[k]);
            assert_float_equal(out.item[k].score, scores[k], 1e-6);
            for (int j = 0; j < 4; j++)
                assert_float_equal(out.item[k].bbox[j], want[k][j], 5e-3);
        }
        next(&run, 1); // frame 1 is empty
        run.head->detections(run.outputs, 2, 0, &run.box, &run.post, &out);
        assert_int_equal(out.count, 0);
        next(&run, 1);
        run.head->detections(run.outputs, 2, 0, &run.box, &run.post, &out);
        assert_int_equal(out.count, 1); // the player is below the threshold of the script
        assert_int_equal(out.item[0].class_id, TL_CLASS_GOALKEEPER);
        for (int k = 0; k < 3; k++) { // over
            next(&run, 1);
            run.head->detections(run.outputs, 2, 0, &run.box, &run.post, &out);
            assert_int_equal(out.count, 0);
        }
        tl_infer_close(&run.infer);
    }
}

static void points_of_the_script(void **state)
{
    (void)state;
    static Run run;
    TlPoint out[TL_POINT_COUNT];
    const char *text = "touchline-script 1\nhead points\nsize 480 288\nsource 1280 720\nthresholds 0.5\nloop\n"
                       "frame\npoint 0 10 20 0.9\npoint 31 1279 719 0.6\npoint 5 640 360.5 0.4\n"
                       "frame\nnan\n";
    open_run(&run, text, 1, 1280, 720, 0, 0, 2);
    assert_string_equal(run.head->name, "points");
    for (int round = 0; round < 3; round++) {
        next(&run, 2);
        run.head->points(run.outputs, 2, 0, &run.box, &run.post, out);
        for (int p = 0; p < TL_POINT_COUNT; p++) {
            if (p == 0 || p == 31)
                continue;
            assert_true(out[p].x == 0 && out[p].y == 0 && out[p].confidence == 0);
        }
        assert_float_equal(out[0].x, 10, 1e-3);
        assert_float_equal(out[0].y, 20, 1e-3);
        assert_float_equal(out[0].confidence, 0.9, 1e-6);
        assert_float_equal(out[31].x, 1279, 1e-3);
        run.head->points(run.outputs, 2, 1, &run.box, &run.post, out);
        for (int p = 0; p < TL_POINT_COUNT; p++)
            assert_true(out[p].confidence == 0);
    }
    tl_infer_close(&run.infer);
}

static void a_partial_batch_consumes_what_it_holds(void **state)
{
    (void)state;
    static Run run;
    TlPoint out[TL_POINT_COUNT];
    char text[1024] = "touchline-script 1\nhead points\nsize 480 288\n";
    for (int i = 0; i < 8; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "frame\npoint 1 %d 8 0.9\n", 10 + i);
    open_run(&run, text, 1, 480, 288, 0, 0, 3);
    const int filled[] = {3, 1, 2, 2};
    for (int call = 0, k = 0; call < 4; call++) {
        next(&run, filled[call]);
        for (int n = 0; n < filled[call]; n++, k++) {
            run.head->points(run.outputs, 2, n, &run.box, &run.post, out);
            assert_float_equal(out[1].x, 10 + k, 1e-3);
        }
    }
    tl_infer_close(&run.infer);
}

static void failures_and_delays(void **state)
{
    (void)state;
    static Run run;
    TlDiag diag = {0};
    open_run(&run, "touchline-script 1\nhead points\nsize 480 288\ndelay_us 20000\nframe\nframe\nfail\nframe\n", 1, 480,
             288, 0, 0, 1);
    int64_t begin = tl_now_us();
    next(&run, 1);
    assert_true(tl_now_us() - begin >= 20000);
    assert_int_equal(tl_infer_submit(run.infer, 0, 1, &diag), TL_OK);
    assert_int_equal(tl_infer_wait(run.infer, 0, &diag), TL_EBACKEND);
    assert_true(diag.text[0] != '\0');
    assert_int_equal(tl_infer_wait(run.infer, 0, NULL), TL_EBACKEND); // the outcome of the last one
    next(&run, 1);
    tl_infer_close(&run.infer);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    TlInfer *infer = NULL;
    FILE *file = fopen(g_path, "w");
    fputs("touchline-script 1\nhead centers\nsize 640 384\n", file); // network pixels: one size only
    fclose(file);
    assert_int_equal(tl_model_meta_read(&meta, g_path, &diag), TL_OK);
    TlInferParams params = {.model = g_path, .batch = 1, .width = 320, .height = 192, .threads = 1, .meta = &meta};
    assert_int_equal(tl_infer_open(&infer, &params, &diag), TL_EMODEL);
    assert_null(infer);
    unlink(g_path);
    params.width = 640;
    params.height = 384;
    assert_int_equal(tl_infer_open(&infer, &params, NULL), TL_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_of_the_script),
        cmocka_unit_test(points_of_the_script),
        cmocka_unit_test(a_partial_batch_consumes_what_it_holds),
        cmocka_unit_test(failures_and_delays),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
    };
    snprintf(g_path, sizeof g_path, "/tmp/tl_scripted_%d.script", (int)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(g_path);
    return failed;
}
