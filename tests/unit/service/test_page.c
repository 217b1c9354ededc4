// Web pages in place of a video, and Google Drive's confirm form.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "download_page.h"

static int is_html(const char *type, const char *data)
{
    // a copy of exactly this size, so that a sanitizer sees every byte read too far
    size_t n = strlen(data);
    char *exact = tl_calloc(n + 1, 1);
    memcpy(exact, data, n);
    int html = tl_page_is_html(type, exact, n);
    tl_free(&exact);
    return html;
}

static void pages(void **state)
{
    (void)state;
    assert_true(is_html(NULL, "<html><body>"));
    assert_true(is_html(NULL, "<!DOCTYPE html>"));
    assert_true(is_html("video/mp4", " \r\n\t<HTML>"));
    assert_true(is_html(NULL, "\xef\xbb\xbf<!doctype html>"));
    assert_true(is_html("text/html; charset=utf-8", "<p>no"));
    assert_true(is_html("Text/HTML", "   "));
    assert_true(is_html("text/html", ""));
    assert_false(is_html("text/html", "....ftypisom"));
    assert_false(is_html("text/plain", "<p>no"));
    assert_false(is_html(NULL, ""));
    assert_false(is_html(NULL, "    "));
    assert_false(is_html(NULL, "<htm"));
    assert_false(is_html("video/mp4", "....ftypisom"));
    static const char blanks[4] = {' ', ' ', ' ', ' '};
    assert_false(tl_page_is_html(NULL, blanks, sizeof blanks));
}

static void confirm_form(void **state)
{
    (void)state;
    char url[256];
    assert_int_equal(
        tl_page_confirm_url("<form id=\"download-form\" action=\"https://x/download?a=1&amp;b=2\" method=get>"
                            "<input type=\"submit\" value=\"Go\"><input type=\"hidden\" name=\"id\" "
                            "value=\"q\"><input name=\"confirm\" value=\"t\"/></form>"
                            "<input name=\"other\" value=\"form\">",
                            url, sizeof url),
        0);
    assert_string_equal(url, "https://x/download?a=1&b=2&id=q&confirm=t");
    assert_int_equal(
        tl_page_confirm_url("<form action=\"u\" id=\"download-form\"><input name=\"a\" value=\"\">", url, 256), 0);
    assert_string_equal(url, "u?a=");
}

static void no_form(void **state)
{
    (void)state;
    static const char *bad[] = {"",
                                "<html>",
                                "id=\"download-form\"",
                                "<form id=\"download-form\">",
                                "<form id=\"download-form\"",
                                "<form id=\"download-form\" action=",
                                "<form id=\"download-form\"> action=\"late\""};
    char url[64];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tl_page_confirm_url(bad[i], url, sizeof url), -1);
    assert_int_equal(tl_page_confirm_url("<form id=\"download-form\" action=\"1234567\">", url, 8), 0);
    assert_int_equal(tl_page_confirm_url("<form id=\"download-form\" action=\"12345678\">", url, 8), -1);
    assert_int_equal(
        tl_page_confirm_url("<form id=\"download-form\" action=\"123\"><input name=\"a\" value=\"b\">", url, 8), 0);
    assert_int_equal(
        tl_page_confirm_url("<form id=\"download-form\" action=\"123\"><input name=\"a\" value=\"bc\">", url, 8), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pages), cmocka_unit_test(confirm_form),
                                       cmocka_unit_test(no_form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
