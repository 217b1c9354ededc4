// Average precision in cases that can be worked out by hand, and files that lie. pycocotools is the judge of the rest
// (tests/interop/test_pycocotools.py).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <touchline/eval.h>

#include "eval/average_precision.h"

static char folder[] = "/tmp/touchline-eval-XXXXXX";

static TlEvalBox box(int picture, double x, double score)
{
    return (TlEvalBox){.picture = picture, .box = {x, 0, 10, 10}, .score = score};
}

static TlEvalCurve curve_of(const TlEvalBox *truth, int nt, const TlEvalBox *seen, int ns, double threshold)
{
    TlEvalCurve curve;
    assert_int_equal(tl_eval_average_precision(truth, nt, seen, ns, threshold, &curve), TL_OK);
    return curve;
}

static void near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-9);
}

static void known_curves(void **state)
{
    (void)state;
    TlEvalBox truth[] = {box(0, 0, 0), box(0, 100, 0), box(1, 0, 0), box(1, 100, 0)};
    TlEvalBox all[] = {box(0, 0, .9), box(0, 100, .8), box(1, 0, .7), box(1, 100, .6)};
    TlEvalCurve c = curve_of(truth, 4, all, 4, 0.65);
    near(c.ap50, 1);
    near(c.ap50_95, 1);
    near(c.precision, 1);
    near(c.recall, 0.75);
    c = curve_of(truth, 4, all, 0, 0.5);
    near(c.ap50, 0);
    near(c.precision, -1);
    near(c.recall, 0);
    c = curve_of(truth, 0, all, 4, 0.5);
    near(c.ap50, -1);
    // Half of the labels, all right: precision 1 up to recall 0.5 (51 of 101 steps), 0 beyond.
    c = curve_of(truth, 4, all, 2, 0.5);
    near(c.ap50, 51.0 / 101);
    // A false one on top of a right one: precision 1/2 at recall 1/4 (26 steps).
    TlEvalBox below[] = {box(0, 500, .9), box(0, 0, .8)};
    near(curve_of(truth, 4, below, 2, 0.5).ap50, 26 * 0.5 / 101);
    // The second box on one label is false.
    TlEvalBox twice[] = {box(0, 0, .9), box(0, 1, .8)};
    c = curve_of(truth, 1, twice, 2, 0.5);
    near(c.ap50, 1);
    near(c.precision, 0.5);
    // 1 px of 10 aside: IoU 9/11 = .818 counts up to .80, 7 of 10 steps.
    TlEvalBox aside[] = {box(0, 1, .9)};
    near(curve_of(truth, 1, aside, 1, 0.5).ap50_95, 0.7);
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int evaluate(const char *prediction, const char *label)
{
    TlEvalReport rows[4];
    TlDiag diag = {0};
    char seen[256];
    int count;
    write_file("m_1.txt", label);
    write_file("seen.jsonl", prediction);
    snprintf(seen, sizeof seen, "%s/seen.jsonl", folder);
    TlEvalParams params = {.predictions = seen, .truth = folder};
    int ret = tl_eval_detections(&params, rows, 4, &count, &diag);
    assert_true(ret == TL_OK || diag.text[0]);
    return ret;
}

#define POINTS                                                                                                         \
    "[[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,"   \
    "0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0],[0,"   \
    "0,0],[0,0,0],[0,0,0],[0,0,0],[0,0,0]]"
#define HEAD "{\"image\":\"m_1.png\",\"width\":100,\"height\":100,"
#define GOOD HEAD "\"objects\":[],\"keypoints\":" POINTS ",\"homography\":null}\n"

static void files_that_lie(void **state)
{
    (void)state;
    assert_int_equal(evaluate(GOOD, "2 0.5 0.5 0.1 0.1\n"), TL_OK);
    assert_int_equal(evaluate(GOOD, ""), TL_OK);
    static const char *labels[] = {"4 0.5 0.5 0.1 0.1\n",   "2 0.5 0.5 0.1\n",     "1e300 0.5 0.5 0.1 0.1\n",
                                   "2 nan 0.5 0.1 0.1\n",   "2.5 0.5 0.5 .1 .1\n", "player 0.5 0.5 0.1 0.1\n",
                                   "2 0.5 0.5 0.1 0.1 2\n", "-1 0.5 0.5 0.1 0.1\n"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        assert_int_equal(evaluate(GOOD, labels[i]), TL_EFORMAT);
    static const char *predictions[] = {
        "nonsense\n",
        "{}\n",
        GOOD GOOD,
        "{\"image\":\"m_1.png\",\"width\":0,\"height\":100,\"objects\":[],\"keypoints\":[],\"homography\":null}\n",
        "{\"image\":\"m_1.png\",\"width\":4294967396,\"height\":100,\"objects\":[],\"keypoints\":[],\"homography\":"
        "null}\n",
        HEAD "\"objects\":[{\"class_id\":7,\"bbox\":[0,0,1,1],\"score\":1}],\"keypoints\":" POINTS
             ",\"homography\":null}\n",
        HEAD "\"objects\":[{\"class_id\":2,\"bbox\":[0,0,1],\"score\":1}],\"keypoints\":" POINTS
             ",\"homography\":null}\n",
        HEAD "\"objects\":[],\"keypoints\":[[0,0,0]],\"homography\":null}\n"};
    for (size_t i = 0; i < sizeof predictions / sizeof *predictions; i++)
        assert_int_equal(evaluate(predictions[i], "2 0.5 0.5 0.1 0.1\n"), TL_EFORMAT);
    assert_int_equal(evaluate("{\"image\":\"other.png\",\"width\":1,\"height\":1}\n", ""), TL_EEMPTY);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char path[256];
    (void)state;
    snprintf(path, sizeof path, "%s/m_1.txt", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/seen.jsonl", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_curves), cmocka_unit_test(files_that_lie)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
