// The settings table: every row, parsing, ranges, precedence of sources, config files.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/log.h>
#include <touchline/options.h>

static void clear_environment(void)
{
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++)
        unsetenv(def->env);
}

static void rows_are_sound(void **state)
{
    TlOptions options;
    TlDiag diag = {0};

    (void)state;
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        assert_non_null(def->env);
        assert_non_null(def->group);
        assert_non_null(def->help);
        assert_non_null(def->deflt);
        assert_true(def->offset < sizeof(TlOptions));
        assert_int_equal(def->value == NULL, def->type == TL_OPTION_BOOL);
        for (const char *c = def->env; *c; c++)
            assert_true(isupper((unsigned char)*c) || *c == '_');
        for (const char *c = def->flag; *c; c++)
            assert_true(islower((unsigned char)*c) || *c == '-');
        // No name stands for two settings.
        for (const TlOptionDef *other = tl_option_table(); other->flag; other++) {
            assert_true(other == def || strcmp(other->flag, def->flag));
            assert_true(other == def || strcmp(other->env, def->env));
            assert_true(!other->alias || strcmp(other->alias, def->flag));
            assert_true(other == def || !other->alias || !def->alias || strcmp(other->alias, def->alias));
        }
        // Each default is legal where it came from.
        assert_int_equal(tl_options_set(&options, def->flag, def->deflt, "--x", &diag), TL_OK);
    }
}

// The names that operators have in their .env files (seed-features §1), with values from its presets.
static void names_of_the_original(void **state)
{
    static const char *const settings[][2] = {
        {"BATCH_SIZE", "32"},      {"IMG_SIZE", "640"}, {"FRAME_STRIDE", "2"},     {"PREFETCH_FRAMES", "64"},
        {"CONF_THRESHOLD", ".35"}, {"FAST_MODE", "0"},  {"MAX_DETECTIONS", "300"}, {"FAST_IMG_SIZE", "512"},
        {"DISABLE_TRACKING", "1"}, {"SKIP_PITCH", "1"}, {"TIME_BUDGET_S", "8.0"},  {"DEVICE", "cuda"},
    };
    TlOptions options;

    (void)state;
    tl_options_default(&options);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(tl_options_set(&options, settings[i][0], settings[i][1], "x", NULL), TL_OK);
    assert_int_equal(options.batch_size, 32);
    assert_int_equal(options.img_size, 640);
    assert_int_equal(options.frame_stride, 2);
    assert_true(options.conf_threshold == 0.35);
    assert_int_equal(options.skip_pitch, 1);
    assert_true(options.time_budget_s == 8.0);
}

static void defaults(void **state)
{
    TlOptions options;

    (void)state;
    memset(&options, 0xff, sizeof options);
    tl_options_default(&options);
    assert_string_equal(options.player_model, "");
    assert_string_equal(options.backend, "auto");
    assert_string_equal(options.device, "auto");
    assert_int_equal(options.batch_size, 0);
    assert_int_equal(options.img_size, 0);
    assert_true(options.time_budget_s < 0); // auto; 0 is a setting of its own
    assert_int_equal(options.frame_stride, 0);
    assert_int_equal(options.prefetch_frames, 64);
    assert_true(options.conf_threshold < 0);
    assert_true(options.iou_threshold < 0);
    assert_int_equal(options.max_detections, 128);
    assert_int_equal(options.fast_mode, 0);
    assert_int_equal(options.fast_img_size, 512);
    assert_true(options.pitch_length_m > 104.9 && options.pitch_length_m < 105.1);
    assert_true(options.pitch_width_m > 67.9 && options.pitch_width_m < 68.1);
    assert_int_equal(options.cpumask, ~0u);
    assert_true(options.processing_timeout_s > 10799);
}

static int set(TlOptions *options, const char *name, const char *value)
{
    return tl_options_set(options, name, value, "--x", NULL);
}

static void numbers(void **state)
{
    static const char *const bad[] = {"", "x", "1.5.2", "nan", "inf", "0x1p-1", "1e", "1e+", "--1", ".", "1,5", "1 2"};
    TlOptions options;

    (void)state;
    tl_options_default(&options);
    assert_int_equal(set(&options, "conf", "0.25"), TL_OK);
    assert_true(options.conf_threshold == 0.25);
    assert_int_equal(set(&options, "conf", " .35\n"), TL_OK);
    assert_true(options.conf_threshold == 0.35);
    assert_int_equal(set(&options, "conf", "2.5e-1"), TL_OK);
    assert_true(options.conf_threshold == 0.25);
    assert_int_equal(set(&options, "conf", "+1"), TL_OK);
    assert_int_equal(set(&options, "conf", "0.1234567890123456789"), TL_OK);
    assert_true(options.conf_threshold > 0.12345678901234 && options.conf_threshold < 0.12345678901235);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(set(&options, "conf", bad[i]), TL_EUSAGE);
        assert_int_equal(set(&options, "stride", bad[i]), TL_EUSAGE);
    }
    assert_int_equal(set(&options, "time-budget", "1e999"), TL_EUSAGE);
    assert_int_equal(set(&options, "time-budget", "1e-999999999999"), TL_OK);
    assert_int_equal(set(&options, "stride", "99999999999999999999999"), TL_EUSAGE);
    assert_int_equal(set(&options, "stride", "-99999999999999999999999"), TL_EUSAGE);
    assert_int_equal(set(&options, "stride", "3.0"), TL_EUSAGE);
    assert_int_equal(set(&options, "stride", "007"), TL_OK);
    assert_int_equal(options.frame_stride, 7);
    assert_int_equal(set(&options, "stride", "AUTO"), TL_OK);
    assert_int_equal(options.frame_stride, 0);
}

// Every decimal text with up to 6 digits behind the point reads exactly as strtod reads it.
static void decimals_are_exact(void **state)
{
    TlOptions options;
    char text[32];

    (void)state;
    tl_options_default(&options);
    for (int i = 0; i <= 1000000; i += 37) {
        snprintf(text, sizeof text, "0.%06d", i % 1000000);
        assert_int_equal(set(&options, "iou", text), TL_OK);
        assert_true(options.iou_threshold == strtod(text, NULL));
    }
}

static void locale_changes_nothing(void **state)
{
    TlOptions options;

    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE"))
        skip();
    tl_options_default(&options);
    assert_int_equal(set(&options, "conf", "0.25"), TL_OK);
    assert_true(options.conf_threshold == 0.25);
    assert_int_equal(set(&options, "conf", "0,25"), TL_EUSAGE);
    setlocale(LC_ALL, "C");
}

// Both ends of every numeric range are legal, one step beyond is not, and the sentence names option and range.
static void ranges_of_all_rows(void **state)
{
    TlOptions options;

    (void)state;
    tl_options_default(&options);
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        char low[64], high[64], below[64], above[64];
        TlDiag diag = {0};
        if (def->type != TL_OPTION_INT && def->type != TL_OPTION_DOUBLE)
            continue;
        snprintf(low, sizeof low, "%.15g", def->min);
        snprintf(high, sizeof high, "%.15g", def->max);
        snprintf(below, sizeof below, "%.15g", def->min - 2);
        snprintf(above, sizeof above, "%.15g", def->max + 1);
        assert_int_equal(set(&options, def->flag, low), TL_OK);
        assert_int_equal(set(&options, def->flag, high), TL_OK);
        assert_int_equal(set(&options, def->flag, below), TL_EUSAGE);
        assert_int_equal(tl_options_set(&options, def->env, above, "environment", &diag), TL_EUSAGE);
        assert_non_null(strstr(diag.text, def->env));
        assert_non_null(strstr(diag.text, "environment"));
        assert_non_null(strstr(diag.text, low));
        assert_non_null(strstr(diag.text, high));
        assert_non_null(strstr(diag.text, above));
    }
}

static void switches_words_and_ranges(void **state)
{
    TlOptions options;

    (void)state;
    tl_options_default(&options);
    assert_int_equal(set(&options, "fast-mode", "TRUE"), TL_OK);
    assert_int_equal(options.fast_mode, 1);
    assert_int_equal(set(&options, "fast", "off"), TL_OK);
    assert_int_equal(options.fast_mode, 0);
    assert_int_equal(set(&options, "fast", "2"), TL_EUSAGE);
    assert_int_equal(set(&options, "DEVICE", "cuda "), TL_OK); // a blank behind it, as in the original's example
    assert_string_equal(options.device, "cuda");
    assert_int_equal(set(&options, "device", "gpu:12"), TL_OK);
    assert_int_equal(set(&options, "device", "gpu:"), TL_EUSAGE);
    assert_int_equal(set(&options, "device", "gpu:N"), TL_EUSAGE);
    assert_int_equal(set(&options, "device", "gpu:1x"), TL_EUSAGE);
    assert_int_equal(set(&options, "device", "tpu"), TL_EUSAGE);
    assert_int_equal(set(&options, "device", "auto|cpu"), TL_EUSAGE);
    assert_int_equal(set(&options, "backend", "openvino"), TL_OK);
    assert_int_equal(set(&options, "frames", "10:20"), TL_OK);
    assert_int_equal(set(&options, "frames", "10:"), TL_OK);
    assert_int_equal(set(&options, "frames", ":20"), TL_OK);
    assert_int_equal(set(&options, "frames", ":"), TL_OK);
    assert_int_equal(set(&options, "frames", "20"), TL_EUSAGE);
    assert_int_equal(set(&options, "frames", "20:10"), TL_EUSAGE);
    assert_int_equal(set(&options, "frames", "20:20"), TL_EUSAGE);
    assert_int_equal(set(&options, "frames", "-1:20"), TL_EUSAGE);
    assert_int_equal(set(&options, "cpumask", "avx512"), TL_OK);
    assert_int_equal(options.cpumask, 3);
    assert_int_equal(set(&options, "cpumask", "0x1"), TL_OK);
    assert_int_equal(options.cpumask, 1);
    assert_int_equal(set(&options, "cpumask", "none"), TL_OK);
    assert_int_equal(options.cpumask, 0);
    assert_int_equal(set(&options, "cpumask", "-1"), TL_EUSAGE);
    assert_int_equal(set(&options, "cpumask", "99999999999"), TL_EUSAGE);
}

static void long_texts(void **state)
{
    TlOptions options;
    char text[4000];

    (void)state;
    tl_options_default(&options);
    memset(text, 'p', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(set(&options, "player-model", text), TL_EUSAGE);
    text[TL_PATH_SIZE] = '\0';
    assert_int_equal(set(&options, "player-model", text), TL_EUSAGE);
    text[TL_PATH_SIZE - 1] = '\0';
    assert_int_equal(set(&options, "player-model", text), TL_OK);
    assert_string_equal(options.player_model, text);
}

static void unknown_names(void **state)
{
    TlOptions options;
    TlDiag diag = {0};

    (void)state;
    tl_options_default(&options);
    assert_int_equal(tl_options_set(&options, "frame-strid", "1", "--frame-strid", &diag), TL_EUSAGE);
    assert_string_equal(diag.text, "unknown option 'frame-strid'; did you mean 'frame-stride'?");
    tl_diag_clear(&diag);
    assert_int_equal(tl_options_set(&options, "BATCH_SZIE", "1", "a.env:3", &diag), TL_EUSAGE);
    assert_string_equal(diag.text, "unknown option 'BATCH_SZIE' (a.env:3); did you mean 'BATCH_SIZE'?");
    tl_diag_clear(&diag);
    assert_int_equal(tl_options_set(&options, "something-else", "1", "--something-else", &diag), TL_EUSAGE);
    assert_null(strstr(diag.text, "did you mean"));
}

static void environment(void **state)
{
    TlOptions options;
    TlDiag diag = {0};

    (void)state;
    clear_environment();
    tl_options_default(&options);
    setenv("FRAME_STRIDE", "4", 1);
    setenv("IMG_SIZE", "  ", 1); // empty counts as not set
    setenv("BATCH_SIZE", "", 1);
    assert_int_equal(tl_options_load_env(&options, &diag), TL_OK);
    assert_int_equal(options.frame_stride, 4);
    assert_int_equal(options.img_size, 0);
    setenv("CONF_THRESHOLD", "1.5", 1);
    assert_int_equal(tl_options_load_env(&options, &diag), TL_EUSAGE);
    assert_string_equal(diag.text, "CONF_THRESHOLD (environment) must be auto or a number from 0 to 1, not '1.5'");
    clear_environment();
}

static char g_path[64];

static int load(TlOptions *options, const char *text, size_t length, TlDiag *diag)
{
    strcpy(g_path, "/tmp/tl_options_XXXXXX");
    int fd = mkstemp(g_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
    int ret = tl_options_load_file(options, g_path, diag);
    unlink(g_path);
    return ret;
}

static void config_files(void **state)
{
    static const char text[] = "\xEF\xBB\xBF# a comment\r\n"
                               "\r\n"
                               "FRAME_STRIDE=4   # behind a blank\r\n"
                               "  export IMG_SIZE = 640\r\n"
                               "TOUCHLINE_PLAYER_MODEL=\"/a b/#1.onnx\" # quoted\n"
                               "TOUCHLINE_PITCH_MODEL='it is \"x\"'\n"
                               "TOUCHLINE_CACHE_DIR=/c#d\n"
                               "BATCH_SIZE=\n"
                               "NETUID=261   # not ours\n"
                               "wallet.name=default\n"
                               "TOUCHLINE_MODELS=/somewhere\n"
                               "MAX_DETECTIONS=5\n"
                               "MAX_DETECTIONS=7"; // the last one counts, no newline at the end
    TlOptions options;
    TlDiag diag = {0};

    (void)state;
    tl_options_default(&options);
    assert_int_equal(load(&options, text, sizeof text - 1, &diag), TL_OK);
    assert_int_equal(options.frame_stride, 4);
    assert_int_equal(options.img_size, 640);
    assert_string_equal(options.player_model, "/a b/#1.onnx");
    assert_string_equal(options.pitch_model, "it is \"x\"");
    assert_string_equal(options.cache_dir, "/c#d");
    assert_int_equal(options.max_detections, 7);
}

static void wrong_config_files(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"\nFRAME_STRIDE 4\n", ":2 is not a line of the form NAME=value"},
        {"=4\n", ":1 is not a line of the form"},
        {"FRAME_STRIDE=\"4\n", ":1 cannot be read: a quote is not closed"},
        {"FRAME_STRIDE=\"4\" 5\n", "text behind the closing quote"},
        {"FRAME_STRIDE=four\n", "FRAME_STRIDE ("},
        {"FRAME_STRIDE=5000\n", "from 1 to 1000, not '5000'"},
        {"TOUCHLINE_THREAD=1\n", "unknown setting 'TOUCHLINE_THREAD'"},
        {"TOUCHLINE_THREAD=1\n", "did you mean 'TOUCHLINE_THREADS'?"},
    };
    TlOptions options;
    TlDiag diag = {0};
    char *line = malloc(10000);

    (void)state;
    tl_options_default(&options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_diag_clear(&diag);
        assert_int_equal(load(&options, cases[i].text, strlen(cases[i].text), &diag), TL_ECONFIG);
        assert_int_equal(diag.code, TL_ECONFIG);
        assert_non_null(strstr(diag.text, cases[i].sentence));
    }
    assert_int_equal(load(&options, "A=\0B\n", 5, NULL), TL_ECONFIG);
    memset(line, 'A', 10000);
    assert_int_equal(load(&options, line, 10000, NULL), TL_ECONFIG);
    free(line);
    tl_diag_clear(&diag);
    assert_int_equal(tl_options_load_file(&options, "/nonexistent/file", &diag), TL_ENOENT);
    assert_non_null(strstr(diag.text, "/nonexistent/file"));
    assert_true(tl_options_load_file(&options, "/tmp", NULL) < 0);
}

static void keep_line(void *opaque, int level, const char *line)
{
    (void)level;
    snprintf(opaque, 256, "%s", line);
}

static void near_misses_in_shared_files_are_told(void **state)
{
    TlOptions options;
    char line[256] = "";

    (void)state;
    tl_options_default(&options);
    tl_log_set(keep_line, line, TL_LOG_WARNING);
    assert_int_equal(load(&options, "FRAME_STRIDES=4\n", 16, NULL), TL_OK);
    tl_log_set(NULL, NULL, 0);
    assert_non_null(strstr(line, "'FRAME_STRIDES'"));
    assert_non_null(strstr(line, "'FRAME_STRIDE'"));
}

static void describe(void **state)
{
    TlOptions options;
    char text[256];

    (void)state;
    tl_options_default(&options);
    tl_options_describe(&options, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(set(&options, "stride", "3"), TL_OK);
    assert_int_equal(set(&options, "conf", "0.3"), TL_OK);
    assert_int_equal(set(&options, "player-model", "/a b.onnx"), TL_OK);
    assert_int_equal(set(&options, "threads", "2"), TL_OK); // speed only
    assert_int_equal(set(&options, "cpumask", "none"), TL_OK);
    tl_options_describe(&options, text, sizeof text);
    assert_string_equal(text, "TOUCHLINE_PLAYER_MODEL=\"/a b.onnx\" CONF_THRESHOLD=0.3 FRAME_STRIDE=3");
    tl_options_describe(&options, text, 10);
    assert_string_equal(text, "TOUCHLINE");
}

static void word_distance(void **state)
{
    char word[80];

    (void)state;
    assert_int_equal(tl_option_distance("", ""), 0);
    assert_int_equal(tl_option_distance("", "abc"), 3);
    assert_int_equal(tl_option_distance("stride", "stride"), 0);
    assert_int_equal(tl_option_distance("strid", "stride"), 1);
    assert_int_equal(tl_option_distance("stirde", "stride"), 1); // neighbours swapped
    assert_int_equal(tl_option_distance("kitten", "sitting"), 3);
    assert_int_equal(tl_option_distance("ca", "abc"), 3); // optimal string alignment, not full Damerau
    memset(word, 'w', sizeof word);
    word[63] = '\0';
    assert_int_equal(tl_option_distance(word, ""), 63);
    word[63] = 'w';
    word[79] = '\0';
    assert_int_equal(tl_option_distance(word, ""), INT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sound),     cmocka_unit_test(names_of_the_original),
        cmocka_unit_test(defaults),           cmocka_unit_test(numbers),
        cmocka_unit_test(decimals_are_exact), cmocka_unit_test(locale_changes_nothing),
        cmocka_unit_test(ranges_of_all_rows), cmocka_unit_test(switches_words_and_ranges),
        cmocka_unit_test(long_texts),         cmocka_unit_test(unknown_names),
        cmocka_unit_test(environment),        cmocka_unit_test(config_files),
        cmocka_unit_test(wrong_config_files), cmocka_unit_test(near_misses_in_shared_files_are_told),
        cmocka_unit_test(describe),           cmocka_unit_test(word_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
