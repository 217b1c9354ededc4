// Answers read back, bodies unpacked, the clip server's ranges: exact counts of faults, and no harm from rubbish.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <sodium.h>
#include <zlib.h>
#include <zstd.h>

#include "answer.h"
#include "challenge.h"
#include "clip_server.h"
#include "score.h"

#define POINTS_8          "[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0],[0,0]"
#define POINTS_32         "[" POINTS_8 "," POINTS_8 "," POINTS_8 "," POINTS_8 "]"
#define FRAME(n, objects) "{\"frame_number\":" n ",\"keypoints\":" POINTS_32 ",\"objects\":[" objects "]}"
#define BOX(id, box)      "{\"id\":" id ",\"bbox\":[" box "],\"class_id\":2}"

static TlAnswer *parse(const char *frames)
{
    char text[16384];
    TlAnswer *answer = NULL;
    snprintf(text, sizeof text, "{\"challenge_id\":\"7\",\"frames\":%s,\"processing_time\":1.5}", frames);
    assert_int_equal(tl_answer_parse(&answer, text, strlen(text), NULL), TL_OK);
    return answer;
}

static void good_answer(void **state)
{
    (void)state;
    TlAnswer *a = parse("[" FRAME("1", BOX("3", "0,0,640,360")) "," FRAME("0", "") "]");
    tl_answer_check(a, 2, 640, 360);
    assert_string_equal(a->challenge_id, "7");
    assert_true(a->processing_time_s == 1.5);
    assert_int_equal(a->frame_count, 2);
    assert_int_equal(a->frames[0].number, 0); // sorted
    assert_int_equal(a->frames[1].objects[0].id, 3);
    assert_int_equal(a->faults.out_of_order, 1);
    assert_int_equal(tl_answer_fault_count(&a->faults), 1);
    tl_answer_free(&a);
    assert_null(a);
}

static void faults_are_counted(void **state)
{
    (void)state;
    TlAnswer *a = parse("[" FRAME("0", BOX("1", "5,5,9,9") "," BOX("1", "9,9,5,5")) "," FRAME("0", "") "," FRAME(
        "5", BOX("null", "1,2,3") "," BOX("-1", "1,1,700,2") "," BOX("-1", "1,1,2,2")) ",{\"objects\":3},7]");
    tl_answer_check(a, 4, 640, 360);
    assert_int_equal(a->faults.repeated, 1);
    assert_int_equal(a->faults.repeated_id, 1); // -1 is nobody's id
    assert_int_equal(a->faults.bad_boxes, 2);
    assert_int_equal(a->faults.outside, 1);
    assert_int_equal(a->faults.no_id, 1);
    assert_int_equal(a->faults.no_number, 2);
    assert_int_equal(a->faults.bad_points, 2);
    assert_int_equal(a->faults.beyond, 1);
    assert_int_equal(a->faults.missing, 3);
    TlStrbuf text = {0};
    tl_answer_describe(&a->faults, &text);
    assert_non_null(strstr(text.data, "3 frames are not answered\n"));
    assert_non_null(
        strstr(text.data, "\n1 frame number lies behind the end of the video\n1 frame number comes twice\n"));
    assert_non_null(strstr(text.data, "\n2 boxes are not x1 < x2, y1 < y2\n1 box reaches out of the picture\n"));
    tl_strbuf_deinit(&text);
    tl_answer_free(&a);
}

static void rubbish(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "null", "[]", "7", "{", "{\"frames\":[NaN]}"};
    static const char *const odd[] = {"{}",
                                      "null",
                                      "\"x\"",
                                      "[null,1,[],{}]",
                                      "[[[[[]]]]]",
                                      "[{\"frame_number\":-5,\"keypoints\":[[1e400]],\"objects\":[null]}]",
                                      "[{\"frame_number\":9223372036854775807,\"objects\":{}}]"};
    TlAnswer *a;
    TlScore score;
    const TlScoreParams params = {.width = 640, .height = 360, .seconds = 1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_true(tl_answer_parse(&a, bad[i], strlen(bad[i]), NULL) < 0);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"frames\":%s}", odd[i]);
        if (tl_answer_parse(&a, text, strlen(text), NULL) < 0)
            continue; // a number beyond double is refused by the reader
        tl_answer_check(a, 0, 640, 360);
        assert_int_equal(tl_score(a, &params, &score, NULL), TL_OK);
        for (int part = 0; part < TL_SCORE_PART_COUNT; part++)
            assert_true(score.part[part].value <= 1 && score.part[part].value >= -1);
        tl_answer_free(&a);
    }
}

static void speed_scores(void **state)
{
    (void)state;
    assert_true(tl_score_speed(15, 1) == 0);
    assert_true(tl_score_speed(2, 2) == 1);
    assert_true(tl_score_speed(1, 2) == 1);
    assert_float_equal(tl_score_speed(8, 1), 0.0820849986f, 1e-6f); // exp(-5 * 7 / 14)
}

static void bodies(void **state)
{
    (void)state;
    TlStrbuf body = {0};
    // 2025-08-14T15:58:11.123456Z, the example of the protocol
    assert_int_equal(
        tl_challenge_body("12345", "https://scoredata.me/2025_03_14/35ae7a/h1_0f2ca0.mp4", 1755187091123456, &body),
        TL_OK);
    assert_string_equal(body.data, "{\"challenge_id\": \"12345\", \"type\": \"gsr\", \"video_url\": "
                                   "\"https://scoredata.me/2025_03_14/35ae7a/h1_0f2ca0.mp4\", \"created_at\": "
                                   "\"2025-08-14T15:58:11.123456+00:00\"}");
    tl_strbuf_clear(&body);
    assert_int_equal(tl_challenge_body("\\u00C4\xc3\x84", "u", 1755187091000000, &body), TL_OK);
    assert_string_equal(body.data, "{\"challenge_id\": \"\\\\u00C4\\u00c4\", \"type\": \"gsr\", \"video_url\": \"u\", "
                                   "\"created_at\": \"2025-08-14T15:58:11+00:00\"}");
    tl_strbuf_deinit(&body);
}

static void unpacking(void **state)
{
    (void)state;
    static char text[300000], packed[400000];
    TlStrbuf out = {0};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    uLongf zlib_length = sizeof packed;
    assert_int_equal(compress((Bytef *)packed, &zlib_length, (const Bytef *)text, sizeof text), Z_OK);
    assert_int_equal(tl_challenge_unpack("deflate", packed, zlib_length, &out, NULL), TL_OK);
    assert_int_equal(out.length, sizeof text);
    assert_memory_equal(out.data, text, sizeof text);
    tl_strbuf_clear(&out);
    assert_int_equal(tl_challenge_unpack("gzip", packed, zlib_length / 2, &out, NULL), TL_EFORMAT);
    size_t zstd_length = ZSTD_compress(packed, sizeof packed, text, sizeof text, 3);
    tl_strbuf_clear(&out);
    assert_int_equal(tl_challenge_unpack("ZSTD", packed, zstd_length, &out, NULL), TL_OK);
    assert_int_equal(out.length, sizeof text);
    assert_memory_equal(out.data, text, sizeof text);
    assert_int_equal(tl_challenge_unpack("zstd", packed, zstd_length / 2, &out, NULL), TL_EFORMAT);
    assert_int_equal(tl_challenge_unpack("zstd", "", 0, &out, NULL), TL_EFORMAT);
    assert_int_equal(tl_challenge_unpack("gzip", "", 0, &out, NULL), TL_EFORMAT);
    for (int i = 0; i < 2000; i++) {
        char noise[64];
        tl_strbuf_clear(&out);
        randombytes_buf(noise, sizeof noise);
        (void)!tl_challenge_unpack(i & 1 ? "gzip" : "zstd", noise, sizeof noise, &out, NULL);
    }
    tl_strbuf_deinit(&out);
}

// --- the clip server

typedef struct Got {
    char data[256];
    size_t length;
} Got;

static size_t take(char *data, size_t size, size_t count, void *opaque)
{
    Got *got = opaque;
    size_t n = size * count;
    if (got->length + n <= sizeof got->data)
        memcpy(got->data + got->length, data, n);
    got->length += n;
    return n;
}

static long fetch(const char *url, const char *range, Got *got)
{
    long status = 0;
    CURL *easy = curl_easy_init();
    memset(got, 0, sizeof *got);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, got);
    if (range)
        curl_easy_setopt(easy, CURLOPT_RANGE, range);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    return status;
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        long status;
        const char *text;
    } cases[] = {{NULL, 200, "0123456789"},  {"0-3", 206, "0123"}, {"4-", 206, "456789"},
                 {"-2", 206, "89"},          {"8-99", 206, "89"},  {"10-", 416, ""},
                 {"-99", 206, "0123456789"}, {"5-4", 416, ""},     {"0-1,4-5", 200, "0123456789"}};
    char path[] = "/tmp/tl-clip-XXXXXX", other[256];
    TlClipServer *server = NULL;
    Got got;
    int fd = mkstemp(path);
    assert_int_equal(tl_clip_server_open(&server, path, NULL), TL_EEMPTY);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    assert_int_equal(tl_clip_server_open(&server, "/tmp", NULL), TL_EUSAGE);
    assert_int_equal(tl_clip_server_open(&server, "/tmp/no such file", NULL), TL_ENOENT);
    assert_int_equal(tl_clip_server_open(&server, path, NULL), TL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(fetch(tl_clip_server_url(server), cases[i].range, &got), cases[i].status);
        assert_int_equal(got.length, strlen(cases[i].text));
        assert_memory_equal(got.data, cases[i].text, got.length);
    }
    assert_int_equal(tl_clip_server_requests(server), 7);
    snprintf(other, sizeof other, "%sx", tl_clip_server_url(server));
    assert_int_equal(fetch(other, NULL, &got), 404);
    tl_clip_server_close(&server);
    assert_null(server);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answer), cmocka_unit_test(faults_are_counted),
        cmocka_unit_test(rubbish),     cmocka_unit_test(speed_scores),
        cmocka_unit_test(bodies),      cmocka_unit_test(unpacking),
        cmocka_unit_test(ranges),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
