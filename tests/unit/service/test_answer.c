// The body's codings: what comes out is what went in, in any cutting; the choice by Accept-Encoding; the metrics page.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "encoder.h"
#include "metrics.h"

enum { TEXT_SIZE = 700000 };

static void choices(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int encoding;
    } rows[] = {{NULL, TL_ENCODING_PLAIN},
                {"", TL_ENCODING_PLAIN},
                {"identity", TL_ENCODING_PLAIN},
                {"br", TL_ENCODING_PLAIN},
                {"gzip, deflate, zstd", TL_ENCODING_ZSTD},
                {"zstd", TL_ENCODING_ZSTD},
                {"gzip", TL_ENCODING_GZIP},
                {"GZip", TL_ENCODING_GZIP},
                {"deflate,gzip;q=1.0,*;q=0.5", TL_ENCODING_GZIP},
                {"zstd;q=0, gzip", TL_ENCODING_GZIP},
                {"zstd;q=0.0,gzip;q=0.000", TL_ENCODING_PLAIN},
                {"zstd; q=0.1", TL_ENCODING_ZSTD},
                {"xzstd, gzipped", TL_ENCODING_PLAIN},
                {"x;q=0, zstd", TL_ENCODING_ZSTD},
                {",,,;;q=", TL_ENCODING_PLAIN},
                {"zstd;q=nonsense", TL_ENCODING_PLAIN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(tl_encoding_choose(rows[i].header), rows[i].encoding);
    assert_null(tl_encoding_name(TL_ENCODING_PLAIN));
    assert_string_equal(tl_encoding_name(TL_ENCODING_GZIP), "gzip");
    assert_string_equal(tl_encoding_name(TL_ENCODING_ZSTD), "zstd");
}

// Decodes with the libraries' own readers. The length, or -1.
static long decode(int encoding, const TlStrbuf *body, char *out, size_t size)
{
    if (encoding == TL_ENCODING_ZSTD) {
        size_t n = ZSTD_decompress(out, size, body->data, body->length);
        return ZSTD_isError(n) ? -1 : (long)n;
    }
    if (encoding == TL_ENCODING_GZIP) {
        z_stream z = {.next_in = (unsigned char *)body->data,
                      .avail_in = (unsigned)body->length,
                      .next_out = (unsigned char *)out,
                      .avail_out = (unsigned)size};
        if (inflateInit2(&z, 15 + 16) != Z_OK)
            return -1;
        int ret = inflate(&z, Z_FINISH);
        long n = (long)z.total_out;
        inflateEnd(&z);
        return ret == Z_STREAM_END && z.avail_in == 0 ? n : -1;
    }
    memcpy(out, body->data ? body->data : "", body->length);
    return (long)body->length;
}

static void round_trip(int encoding, const char *text, size_t length, unsigned step)
{
    TlBodyEncoder *encoder = tl_body_encoder_create(encoding);
    TlStrbuf body = {0};
    char *out = tl_calloc(length + 64, 1);
    assert_non_null(encoder);
    for (size_t at = 0; at < length;) {
        size_t n = step ? 1 + (size_t)rand() % step : length;
        n = n < length - at ? n : length - at;
        assert_int_equal(tl_body_encoder_write(encoder, text + at, n), TL_OK);
        at += n;
    }
    assert_int_equal(tl_body_encoder_finish(&encoder, &body), TL_OK);
    assert_null(encoder);
    assert_int_equal(decode(encoding, &body, out, length + 64), length);
    assert_memory_equal(out, text, length);
    if (length > 100000 && encoding != TL_ENCODING_PLAIN)
        assert_true(body.length < length); // it pays
    tl_strbuf_deinit(&body);
    tl_free(&out);
}

static void round_trips(void **state)
{
    (void)state;
    static char text[TEXT_SIZE];
    srand(3);
    for (int i = 0; i < TEXT_SIZE; i++)
        text[i] = "0123456789.,[]"[rand() % 14];
    for (int encoding = TL_ENCODING_PLAIN; encoding <= TL_ENCODING_ZSTD; encoding++) {
        round_trip(encoding, text, 0, 0);
        round_trip(encoding, text, 1, 0);
        round_trip(encoding, text, 65536, 0);
        round_trip(encoding, text, TEXT_SIZE, 0);
        round_trip(encoding, text, TEXT_SIZE, 5000);
        TlBodyEncoder *encoder = tl_body_encoder_create(encoding); // thrown away half way
        assert_int_equal(tl_body_encoder_write(encoder, text, 1000), TL_OK);
        tl_body_encoder_destroy(&encoder);
        tl_body_encoder_destroy(&encoder);
        assert_null(encoder);
    }
}

// --- metrics

static void has(const TlStrbuf *page, const char *line)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(page->data, wanted))
        fail_msg("no '%s' in\n%s", line, page->data);
}

// Every line is a comment or `name{labels} value`, and every name was announced by HELP and TYPE before.
static void check_form(const TlStrbuf *page)
{
    char line[512], name[128];
    for (const char *at = page->data; *at; at += strcspn(at, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        if (line[0] == '#')
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(line, "{ "), line);
        char *end = NULL;
        const char *value = strrchr(line, ' ');
        assert_non_null(value);
        (void)strtod(value + 1, &end);
        assert_true(end > value + 1 && *end == 0);
        char *suffix = strstr(name, "_bucket");
        suffix = suffix ? suffix : strstr(name, "_sum");
        suffix = suffix ? suffix : strstr(name, "_count");
        if (suffix)
            *suffix = 0;
        char type[160];
        snprintf(type, sizeof type, "# TYPE %s ", name);
        const char *announced = strstr(page->data, type);
        assert_true(announced && announced < at);
    }
}

static void metrics_page(void **state)
{
    (void)state;
    TlMetrics *m = tl_metrics_create();
    TlStrbuf page = {0};
    tl_metrics_write(m, -1, 0, &page);
    check_form(&page);
    assert_null(strstr(page.data, "metagraph_age")); // never read: no age
    has(&page, "touchline_challenges_total{result=\"ok\"} 0");
    tl_metrics_challenge(m, 1, 0.4);
    tl_metrics_challenge(m, 1, 2.5);
    tl_metrics_challenge(m, 0, 100);
    tl_metrics_stage(m, TL_STAGE_DECODE, 0.25);
    tl_metrics_stage(m, TL_STAGE_DECODE, 0.5);
    tl_metrics_dropped(m);
    tl_metrics_frames(m, 375, 375, 4096);
    tl_metrics_queue(m, 3, 1);
    for (int i = 0; i < 5; i++)
        tl_metrics_refused(m, i < 2 ? "nonce" : "signature");
    tl_metrics_limit(m);
    for (int i = 0; i < 7; i++)
        tl_metrics_limited_connection(m);
    tl_metrics_crowded(m, 33);
    tl_strbuf_clear(&page);
    tl_metrics_write(m, 61.4, 256, &page);
    check_form(&page);
    has(&page, "touchline_challenges_total{result=\"ok\"} 2");
    has(&page, "touchline_challenges_total{result=\"failed\"} 1");
    has(&page, "touchline_challenges_total{result=\"gone\"} 1");
    has(&page, "touchline_rejected_total{reason=\"nonce\"} 2");
    has(&page, "touchline_rejected_total{reason=\"signature\"} 3");
    has(&page, "touchline_limits_total 1");
    has(&page, "touchline_limited_connections_total 7");
    has(&page, "touchline_crowded_connections_total 33");
    has(&page, "touchline_challenge_seconds_bucket{le=\"0.5\"} 1");
    has(&page, "touchline_challenge_seconds_bucket{le=\"2\"} 1");
    has(&page, "touchline_challenge_seconds_bucket{le=\"3\"} 2");
    has(&page, "touchline_challenge_seconds_bucket{le=\"15\"} 2");
    has(&page, "touchline_challenge_seconds_bucket{le=\"+Inf\"} 3");
    has(&page, "touchline_challenge_seconds_sum 102.900000");
    has(&page, "touchline_challenge_seconds_count 3");
    has(&page, "touchline_stage_seconds_sum{stage=\"decode\"} 0.750000");
    has(&page, "touchline_stage_seconds_count{stage=\"decode\"} 2");
    has(&page, "touchline_frames_total{kind=\"key\"} 375");
    has(&page, "touchline_download_bytes_total 4096");
    has(&page, "touchline_queue_length 3");
    has(&page, "touchline_busy 1");
    has(&page, "touchline_metagraph_age_seconds 61");
    has(&page, "touchline_metagraph_hotkeys 256");
    tl_strbuf_deinit(&page);
    tl_metrics_destroy(&m);
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(choices), cmocka_unit_test(round_trips),
                                       cmocka_unit_test(metrics_page)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
