// Which head reads which model, and the sentence when none does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "post/post.h"
#include "post_util.h"

static TlModelMeta *house(const char *head, int64_t channels, const char *second, int64_t second_channels)
{
    const char *const pairs[] = {"touchline.head", head, "touchline.width", "640", "touchline.height", "384", NULL};
    TlModelMeta *meta = make_meta(pairs);
    set_meta_input(meta, TL_DTYPE_U8, -1, 6, -1, -1);
    add_meta_output(meta, "heat", 4, -1, channels, -1, -1);
    add_meta_output(meta, second, 4, -1, second_channels, -1, -1);
    return meta;
}

static TlModelMeta *ultralytics(const char *task, int64_t rows, int64_t columns)
{
    const char *const pairs[] = {"task", task, "names", "{0: 'ball', 1: 'player'}", "kpt_shape", "[32, 3]", NULL};
    TlModelMeta *meta = make_meta(pairs);
    set_meta_input(meta, TL_DTYPE_F32, 1, 3, 640, 640);
    add_meta_output(meta, "output0", 3, 1, rows, columns, 0);
    return meta;
}

static const char *find(TlModelMeta *meta, int want_points, TlDiag *diag)
{
    TlPostParams params;
    int width = 0, height = 0;
    tl_diag_clear(diag);
    const TlHeadOps *head = tl_head_find(meta, want_points, &params, &width, &height, diag);
    free(meta);
    if (head) {
        assert_int_equal(diag->code, 0);
        assert_in_range(width, 32, 8192);
        assert_in_range(height, 32, 8192);
        assert_true(want_points ? head->points != NULL : head->detections != NULL);
    }
    return head ? head->name : "none";
}

static void the_right_head_is_found(void **state)
{
    (void)state;
    TlDiag diag = {0};
    assert_string_equal(find(house("centers", 4, "box", 4), 0, &diag), "centers");
    assert_string_equal(find(house("points", 32, "offset", 2), 1, &diag), "points");
    assert_string_equal(find(ultralytics("detect", 6, 8400), 0, &diag), "yolo");
    assert_string_equal(find(ultralytics("detect", 300, 6), 0, &diag), "yolo");
    assert_string_equal(find(ultralytics("pose", 101, 8400), 1, &diag), "yolo-pose");
    assert_string_equal(find(ultralytics("pose", 300, 102), 1, &diag), "yolo-pose");
}

static void a_wrong_model_is_named(void **state)
{
    (void)state;
    TlDiag diag = {0};
    assert_string_equal(find(house("points", 32, "offset", 2), 0, &diag), "none");
    assert_int_equal(diag.code, TL_EMODEL);
    assert_non_null(strstr(diag.text, "expected a player model"));
    assert_non_null(strstr(diag.text, "got points with heat [?,32,?,?], offset [?,2,?,?]"));
    assert_string_equal(find(house("centers", 4, "box", 4), 1, &diag), "none");
    assert_non_null(strstr(diag.text, "expected a pitch model"));
    assert_non_null(strstr(diag.text, "got centers with heat [?,4,?,?], box [?,4,?,?]"));
    assert_string_equal(find(house("centers", 5, "box", 4), 0, &diag), "none");
    assert_string_equal(find(house("wings", 4, "box", 4), 0, &diag), "none");
    assert_string_equal(find(ultralytics("detect", 84, 8400), 0, &diag), "none");
    assert_non_null(strstr(diag.text, "got detect with output0 [1,84,8400]"));
    assert_string_equal(find(ultralytics("segment", 6, 8400), 0, &diag), "none");
    assert_string_equal(find(ultralytics("pose", 56, 8400), 1, &diag), "none");
    TlModelMeta *plain = make_meta((const char *const[]){NULL});
    add_meta_output(plain, "logits", 2, 1, 1000, 0, 0);
    assert_string_equal(find(plain, 0, &diag), "none");
    assert_non_null(strstr(diag.text, "got logits [1,1000]"));
    assert_null(strchr(diag.text, '\n'));
}

static void a_long_list_of_outputs_is_cut(void **state)
{
    (void)state;
    TlDiag diag = {0};
    TlModelMeta *meta = make_meta((const char *const[]){NULL});
    for (int i = 0; i < TL_INFER_OUTPUT_MAX; i++)
        add_meta_output(meta, "a_very_long_name_of_an_output_tensor_of_a_model", 4, 16777216, 16777216, 16777216,
                        16777216);
    assert_string_equal(find(meta, 1, &diag), "none");
    assert_int_equal(diag.code, TL_EMODEL);
    assert_in_range(strlen(diag.text), 100, TL_DIAG_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_head_is_found),
        cmocka_unit_test(a_wrong_model_is_named),
        cmocka_unit_test(a_long_list_of_outputs_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
