// Memory, clock, processor and log.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <touchline/log.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"

static void memory_is_aligned_padded_and_zero(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *memory = tl_calloc(size, 3);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        // Readable and writable up to the next multiple of 64.
        size_t padded = (size * 3 + 63) / 64 * 64;
        for (size_t i = 0; i < padded; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 1, padded);
        tl_free(&memory);
        assert_null(memory);
    }
}

static void impossible_sizes_fail(void **state)
{
    volatile size_t huge = SIZE_MAX;

    (void)state;
    assert_null(tl_calloc(huge, 2));
    assert_null(tl_calloc(2, huge));
    assert_null(tl_calloc(huge, 1));
    assert_null(tl_calloc(huge / 2 + 1, 2));
    assert_null(tl_calloc(huge - 62, 1));
}

static void free_accepts_nothing(void **state)
{
    char *none = NULL;

    (void)state;
    tl_free(&none);
    tl_free(NULL);
}

static void allocations_are_counted(void **state)
{
    uint64_t before = tl_alloc_count();
    int *one = tl_calloc(1, sizeof *one);
    char *two = tl_strdup("two");

    (void)state;
    assert_int_equal(tl_alloc_count() - before, 2);
    assert_string_equal(two, "two");
    tl_free(&one);
    tl_free(&two);
    assert_int_equal(tl_alloc_count() - before, 2);
    assert_null(tl_strdup(NULL));
    assert_int_equal(tl_alloc_count() - before, 2);
}

static void strcpy_cuts_and_terminates(void **state)
{
    char text[4] = "xxx";

    (void)state;
    assert_int_equal(tl_strcpy(text, sizeof text, "abc"), 0);
    assert_string_equal(text, "abc");
    assert_int_equal(tl_strcpy(text, sizeof text, "abcd"), -1);
    assert_string_equal(text, "abc");
    assert_int_equal(tl_strcpy(text, sizeof text, ""), 0);
    assert_string_equal(text, "");
    assert_int_equal(tl_strcpy(text, sizeof text, NULL), 0);
    assert_int_equal(tl_strcpy(text, 0, "a"), -1);
}

static void clock_goes_forward(void **state)
{
    int64_t first = tl_now_us(), second = tl_now_us();

    (void)state;
    assert_true(second >= first);
    assert_true(tl_us_to_s(1500000) > 1.4999 && tl_us_to_s(1500000) < 1.5001);
}

static void processor_is_known(void **state)
{
    char name[64], tiny[2];
    unsigned flags = tl_cpu_flags();

    (void)state;
    assert_true(tl_cpu_count() >= 1);
    assert_int_equal(flags, tl_cpu_flags());
    // Higher sets contain the lower ones.
    assert_true(!(flags & TL_CPU_AVX512) || (flags & TL_CPU_AVX2));
    assert_true(!(flags & TL_CPU_VNNI) || (flags & TL_CPU_AVX512));
    tl_cpu_name(name, sizeof name);
    assert_true(strlen(name) > 0);
    tl_cpu_name(tiny, sizeof tiny);
    assert_int_equal(strlen(tiny), 1);
    tl_cpu_name(tiny, 0);
}

static void collect(void *opaque, int level, const char *line)
{
    strcat(opaque, level == TL_LOG_WARNING ? "W:" : "?:");
    strcat(opaque, line);
}

static void log_respects_level_and_sink(void **state)
{
    char lines[256] = "";

    (void)state;
    tl_log(TL_LOG_ERROR, "nobody hears this");
    tl_log_set(collect, lines, TL_LOG_WARNING);
    tl_log(TL_LOG_INFO, "too quiet");
    tl_log(TL_LOG_WARNING, "number %d", 7);
    tl_log_set(NULL, NULL, TL_LOG_DEBUG);
    tl_log(TL_LOG_WARNING, "after");
    assert_string_equal(lines, "W:number 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_padded_and_zero),
        cmocka_unit_test(impossible_sizes_fail),
        cmocka_unit_test(free_accepts_nothing),
        cmocka_unit_test(allocations_are_counted),
        cmocka_unit_test(strcpy_cuts_and_terminates),
        cmocka_unit_test(clock_goes_forward),
        cmocka_unit_test(processor_is_known),
        cmocka_unit_test(log_respects_level_and_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
