// Codes, names and sentences.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <touchline/error.h>
#include <touchline/result.h>

static void names_and_texts_of_all_codes(void **state)
{
    (void)state;
    assert_string_equal(tl_error_name(TL_OK), "OK");
    assert_string_equal(tl_error_name(TL_ENOENT), "ENOENT");
    assert_string_equal(tl_error_name(TL_EOF), "EOF");
    assert_string_equal(tl_error_name(-999), "EUNKNOWN");
    assert_string_equal(tl_error_text(TL_ENOSPC), "no space left");
    assert_string_equal(tl_error_text(7), "unknown error");
    for (int code = 0; code >= -22; code--)
        if (code != -1)
            assert_string_not_equal(tl_error_name(code), "EUNKNOWN");
}

static void first_error_wins(void **state)
{
    TlDiag diag = {0};

    (void)state;
    assert_int_equal(tl_fail(&diag, TL_ENOENT, "cannot open '%s'", "a"), TL_ENOENT);
    assert_int_equal(tl_fail(&diag, TL_EIO, "later"), TL_EIO);
    assert_int_equal(diag.code, TL_ENOENT);
    assert_string_equal(diag.text, "cannot open 'a'");
    tl_diag_clear(&diag);
    assert_int_equal(diag.code, 0);
    assert_string_equal(diag.text, "");
    assert_int_equal(tl_fail(NULL, TL_EIO, "nobody listens"), TL_EIO);
    tl_diag_clear(NULL);
}

static void sentence_is_one_line(void **state)
{
    TlDiag diag = {0};

    (void)state;
    (void)!tl_fail(&diag, TL_EIO, "a\nb\tc\x1b[31m");
    assert_string_equal(diag.text, "a b c [31m");
}

static void long_sentence_is_cut_between_characters(void **state)
{
    TlDiag diag = {0};
    char text[TL_DIAG_SIZE * 2] = "";

    (void)state;
    // Two-byte characters behind one byte: the limit of 511 bytes falls between the bytes of one.
    for (size_t i = 0; i < TL_DIAG_SIZE - 2; i++)
        strcat(text, "\xc3\xa4");
    (void)!tl_fail(&diag, TL_EIO, "%s", text);
    size_t length = strlen(diag.text);
    assert_int_equal(length, TL_DIAG_SIZE - 2);
    assert_memory_equal(diag.text + length - 2, "\xc3\xa4", 2);
}

static void class_names(void **state)
{
    (void)state;
    assert_string_equal(tl_class_name(TL_CLASS_BALL), "ball");
    assert_string_equal(tl_class_name(TL_CLASS_REFEREE), "referee");
    assert_string_equal(tl_class_name(-1), "unknown");
    assert_string_equal(tl_class_name(TL_CLASS_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_texts_of_all_codes),
        cmocka_unit_test(first_error_wins),
        cmocka_unit_test(sentence_is_one_line),
        cmocka_unit_test(long_sentence_is_cut_between_characters),
        cmocka_unit_test(class_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
