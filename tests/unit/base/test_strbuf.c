// Text buffer: numbers against printf and closed forms, JSON escapes, growth, locale.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

static void expect_fixed(double value, int decimals, const char *expected)
{
    TlStrbuf buf = {0};

    tl_strbuf_fixed(&buf, value, decimals);
    assert_string_equal(buf.data, expected);
    tl_strbuf_deinit(&buf);
}

static void fixed_point(void **state)
{
    (void)state;
    expect_fixed(0.5, 3, "0.5");
    expect_fixed(3, 2, "3");
    expect_fixed(-0.25, 2, "-0.25");
    expect_fixed(0, 4, "0");
    expect_fixed(-0.0, 4, "0");
    expect_fixed(-0.004, 2, "0");   // no negative zero
    expect_fixed(0.125, 2, "0.13"); // half away from zero, exact in binary
    expect_fixed(-0.125, 2, "-0.13");
    expect_fixed(2.5, 0, "3");
    expect_fixed(0.1 + 0.2, 9, "0.3");
    expect_fixed(1.05, 9, "1.05");
    expect_fixed(0.000000001, 9, "0.000000001");
    expect_fixed(99.995, 2, "100"); // 99.995 is 99.99500000000000455 in binary
    expect_fixed(1920.0625, 4, "1920.0625");
    expect_fixed(100.001, 2, "100");
    expect_fixed(10.10, 2, "10.1");
    expect_fixed(NAN, 2, "0");
    expect_fixed(INFINITY, 2, "0");
    expect_fixed(-INFINITY, 2, "0");
    expect_fixed(1e18, 9, "1000000000000000000");
    expect_fixed(1e20, 2, "100000000000000000000");
    expect_fixed(12345, -3, "12345");
    expect_fixed(0.123456789123, 99, "0.123456789");
}

// Against printf: equal to "%.*f" with trailing zeros dropped wherever the value is no tie.
static void fixed_point_against_printf(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char expected[64];
        seed = seed * 1664525u + 1013904223u;
        int decimals = (int)(seed >> 28) % 7;
        double value = ((double)seed - 2147483648.0) / 7919.0 / pow(10, seed % 5);
        snprintf(expected, sizeof expected, "%.*f", decimals, value);
        if (strchr(expected, '.')) {
            size_t length = strlen(expected);
            while (expected[length - 1] == '0')
                length--;
            length -= expected[length - 1] == '.';
            expected[length] = '\0';
        }
        expect_fixed(value, decimals, strcmp(expected, "-0") ? expected : "0");
    }
}

static void integers(void **state)
{
    static const int64_t values[] = {0, 7, -7, 10, 1234567890123, INT64_MAX, INT64_MIN};
    char expected[32];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        TlStrbuf buf = {0};
        tl_strbuf_int(&buf, values[i]);
        snprintf(expected, sizeof expected, "%lld", (long long)values[i]);
        assert_string_equal(buf.data, expected);
        assert_int_equal(buf.length, strlen(expected));
        tl_strbuf_deinit(&buf);
    }
}

static void expect_json(const char *text, const char *expected)
{
    TlStrbuf buf = {0};

    tl_strbuf_json(&buf, text);
    assert_string_equal(buf.data, expected);
    tl_strbuf_deinit(&buf);
}

static void json_strings(void **state)
{
    (void)state;
    expect_json("", "\"\"");
    expect_json(NULL, "\"\"");
    expect_json("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    expect_json("\b\f\n\r\t\x01\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u007f\"");
    expect_json("K\xc3\xb6ln \xe2\x9a\xbd \xf0\x9f\x98\x80", "\"K\xc3\xb6ln \xe2\x9a\xbd \xf0\x9f\x98\x80\"");
}

// RFC 3629 section 10 and Unicode table 3-7: each byte that begins no valid sequence becomes U+FFFD.
static void invalid_utf8_is_replaced(void **state)
{
#define BAD "\xef\xbf\xbd"
    (void)state;
    expect_json("\xff", "\"" BAD "\"");
    expect_json("a\x80z", "\"a" BAD "z\"");
    expect_json("\xc0\xaf", "\"" BAD BAD "\"");                 // overlong
    expect_json("\xe0\x80\x80", "\"" BAD BAD BAD "\"");         // overlong
    expect_json("\xed\xa0\x80", "\"" BAD BAD BAD "\"");         // surrogate
    expect_json("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""); // above U+10FFFF
    expect_json("\xe2\x9a", "\"" BAD BAD "\"");                 // cut at the end
    expect_json("\xc3\"", "\"" BAD "\\\"\"");                   // a quote is never swallowed
#undef BAD
}

static void grows_and_keeps_its_memory(void **state)
{
    TlStrbuf buf = {0};

    (void)state;
    for (int i = 0; i < 10000; i++)
        tl_strbuf_printf(&buf, "%d,", i % 10);
    assert_int_equal(buf.length, 20000);
    assert_int_equal(strlen(buf.data), 20000);
    assert_memory_equal(buf.data + 19990, "5,6,7,8,9,", 10);
    uint64_t before = tl_alloc_count();
    tl_strbuf_clear(&buf);
    assert_int_equal(buf.length, 0);
    for (int i = 0; i < 10000; i++)
        tl_strbuf_str(&buf, "x,");
    assert_int_equal(tl_alloc_count(), before);
    tl_strbuf_deinit(&buf);
    assert_null(buf.data);
}

static void failed_growth_is_remembered(void **state)
{
    TlStrbuf buf = {0};

    (void)state;
    tl_strbuf_str(&buf, "abc");
    // A length that cannot be: nothing is read of the source.
    tl_strbuf_mem(&buf, "x", SIZE_MAX - 2);
    assert_int_equal(buf.failed, 1);
    tl_strbuf_str(&buf, "def");
    assert_string_equal(buf.data, "abc");
    tl_strbuf_clear(&buf);
    assert_int_equal(buf.failed, 0);
    tl_strbuf_deinit(&buf);
}

static void locale_changes_nothing(void **state)
{
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE"))
        skip();
    expect_fixed(1234.5, 2, "1234.5");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_point),
        cmocka_unit_test(fixed_point_against_printf),
        cmocka_unit_test(integers),
        cmocka_unit_test(json_strings),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(grows_and_keeps_its_memory),
        cmocka_unit_test(failed_growth_is_remembered),
        cmocka_unit_test(locale_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
