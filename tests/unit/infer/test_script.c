// Scripts of the scripted backend: what a script says, and the line it is refused for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <touchline/result.h>

#include "infer/script.h"

static int parse(TlScript *script, const char *text, TlDiag *diag)
{
    tl_diag_clear(diag);
    return tl_script_parse(script, text, strlen(text), "s.script", diag);
}

static void reads_boxes_in_order(void **state)
{
    (void)state;
    TlScript s;
    TlDiag diag = {0};
    const char *text = "touchline-script 1\r\n"
                       "head centers # players\n"
                       "\n"
                       "size 640 384\n"
                       "source 1280 720\n"
                       "thresholds ball=0.3,player=0.4\n"
                       "delay_us 5\n"
                       "loop\n"
                       "frame\n"
                       "box player 10 20 30.5 80 0.9\n"
                       "\tbox ball 1 2 3 4 1   \n"
                       "frame 3\n"
                       "box referee 5 5 6 6 0\n"
                       "nan\n"
                       "frame\n"
                       "fail";
    assert_int_equal(parse(&s, text, &diag), TL_OK);
    assert_int_equal(s.head, TL_SCRIPT_CENTERS);
    assert_int_equal(s.width, 640);
    assert_int_equal(s.height, 384);
    assert_int_equal(s.source_width, 1280);
    assert_int_equal(s.source_height, 720);
    assert_int_equal(s.stride, 4);
    assert_int_equal(s.delay_us, 5);
    assert_int_equal(s.loop, 1);
    assert_string_equal(s.thresholds, "ball=0.3,player=0.4");
    assert_int_equal(s.frame_count, 5);
    assert_int_equal(s.frames[0].count, 2);
    assert_int_equal(s.frames[1].count, 0);
    assert_int_equal(s.frames[2].count, 0);
    assert_int_equal(s.frames[3].count, 1);
    assert_int_equal(s.frames[3].nan, 1);
    assert_int_equal(s.frames[4].fail, 1);
    assert_int_equal(s.items[0].index, TL_CLASS_PLAYER);
    assert_true(s.items[0].v[2] == 30.5f && s.items[0].v[4] == 0.9f);
    assert_int_equal(s.items[s.frames[3].first].index, TL_CLASS_REFEREE);
    tl_script_deinit(&s);
}

static void reads_points(void **state)
{
    (void)state;
    TlScript s;
    TlDiag diag = {0};
    assert_int_equal(
        parse(&s, "touchline-script 1\nhead points\nsize 480 288\nframe\npoint 31 479.5 0.25 0.75\n", &diag), TL_OK);
    assert_int_equal(s.stride, 8);
    assert_int_equal(s.items[0].index, 31);
    assert_true(s.items[0].v[0] == 479.5f && s.items[0].v[1] == 0.25f && s.items[0].v[2] == 0.75f);
    tl_script_deinit(&s);
}

static void refuses_and_names_the_line(void **state)
{
    (void)state;
    const struct {
        const char *body, *line;
    } bad[] = {
        {"", "head"},
        {"head centers\n", "size"},
        {"head boxes\nsize 64 64\n", "line 2"},
        {"head centers\nsize 64\n", "line 3"},
        {"head centers\nsize 64 ten\n", "line 3"},
        {"head centers\nsize 64 63\n", "stride"},
        {"head centers\nsize 64 nan\n", "line 3"},
        {"head centers\nsize 1e9 64\n", "line 3"},
        {"head centers\nsize 64 64\nbox player 1 2 3 4 1\n", "line 4"},
        {"head centers\nsize 64 64\nframe\nbox keeper 1 2 3 4 1\n", "line 5"},
        {"head centers\nsize 64 64\nframe\nbox player 1 2 3 4\n", "line 5"},
        {"head centers\nsize 64 64\nframe\nbox player 1 2 3 4 1.5\n", "line 5"},
        {"head centers\nsize 64 64\nframe\nbox player 3 2 1 4 1\n", "line 5"},
        {"head centers\nsize 64 64\nframe\npoint 1 2 3 1\n", "line 5"},
        {"head points\nsize 64 64\nframe\npoint 32 2 3 1\n", "line 5"},
        {"head points\nsize 64 64\nframe 5\nframe 4\n", "line 5"},
        {"head points\nsize 64 64\nframe 99999999\n", "line 4"},
        {"head points\nsize 64 64\nframe\nflip\n", "line 5"},
        {"head points\nsize 64 64\nthresholds a b\n", "line 4"},
        {"head points\nsize 64 64\ndelay_us -1\n", "line 4"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TlScript s;
        TlDiag diag = {0};
        char text[512];
        snprintf(text, sizeof text, "touchline-script 1\n%s", bad[i].body);
        assert_int_equal(parse(&s, text, &diag), TL_EMODEL);
        assert_non_null(strstr(diag.text, bad[i].line));
        assert_null(s.frames);
    }
    TlScript s;
    TlDiag diag = {0};
    assert_int_equal(parse(&s, "touchline-scri", &diag), TL_EMODEL);
    char longest[600] = "touchline-script 1\n";
    memset(longest + 19, 'x', 500);
    assert_int_equal(parse(&s, longest, &diag), TL_EMODEL);
    tl_diag_clear(&diag);
    assert_int_equal(tl_script_load(&s, "/nonexistent.script", &diag), TL_ENOENT);
}

static void random_text_is_survived(void **state)
{
    (void)state;
    static const char *const words[] = {"head", "centers", "points", "size",   "frame", "box",       "point", "nan",
                                        "fail", "loop",    "player", "1",      "64",    "-3",        "1e5",   "0.5",
                                        "#",    "\n",      "source", "stride", "\0x",   "delay_us",  "\n",    "\n",
                                        "9999", "ball",    "\t",     "\r",     "x=1",   "thresholds"};
    uint32_t seed = 7;
    for (int round = 0; round < 2000; round++) {
        char text[2048];
        int used =
            snprintf(text, sizeof text, "touchline-script 1\nhead %s\nsize 64 64\n", round % 2 ? "centers" : "points");
        for (int k = 0; k < 60; k++) {
            seed = seed * 1664525u + 1013904223u;
            const char *word = words[(seed >> 10) % (sizeof words / sizeof *words)];
            used += snprintf(text + used, sizeof text - (size_t)used, "%s ", word);
        }
        TlScript s;
        TlDiag diag = {0};
        int ret = tl_script_parse(&s, text, (size_t)used, "s", &diag);
        assert_true(ret == TL_OK || ret == TL_EMODEL);
        tl_script_deinit(&s);
    }
}

static void looks_like_a_house_network(void **state)
{
    (void)state;
    static TlModelMeta meta;
    TlDiag diag = {0};
    char path[64];
    const char *text = "touchline-script 1\nhead points\nsize 480 288\nsource 1280 720\nthresholds 0.5\nframe\n";
    snprintf(path, sizeof path, "/tmp/tl_script_%d.script", (int)getpid());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(tl_model_meta_read(&meta, path, &diag), TL_OK);
    unlink(path);
    assert_string_equal(tl_model_meta_get(&meta, "touchline.head"), "points");
    assert_string_equal(tl_model_meta_get(&meta, "touchline.width"), "480");
    assert_string_equal(tl_model_meta_get(&meta, "touchline.thresholds"), "0.5");
    assert_non_null(tl_model_meta_get(&meta, "touchline.script"));
    assert_int_equal(meta.input_dtype, TL_DTYPE_U8);
    assert_int_equal(meta.input_dim[1], 6);
    assert_int_equal(meta.input_dim[2], -1);
    assert_string_equal(meta.output[1].name, "offset");
    assert_int_equal(meta.output[0].dim[1], TL_POINT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_boxes_in_order),       cmocka_unit_test(reads_points),
        cmocka_unit_test(refuses_and_names_the_line), cmocka_unit_test(random_text_is_survived),
        cmocka_unit_test(looks_like_a_house_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
