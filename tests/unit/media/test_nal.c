// NAL unit headers: hand-made packets of both layouts, malformed ones, random bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "media/nal.h"

static const TlNalFormat g_avcc = {TL_NAL_H264, 4, -1}, g_annexb = {TL_NAL_H264, 0, -1};

// A packet of units of four bytes each, told by their first byte (second for HEVC: layer 0, temporal id 0).
static size_t pack(uint8_t *packet, int length_size, const uint8_t *headers, size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        int prefix = length_size ? length_size : 4;
        memset(packet + at, 0, (size_t)prefix);
        packet[at + (size_t)prefix - 1] = length_size ? 4 : 1;
        at += (size_t)prefix;
        const uint8_t unit[4] = {headers[i], 1, 0x88, 0x80};
        memcpy(packet + at, unit, sizeof unit);
        at += sizeof unit;
    }
    return at;
}

static int droppable(const TlNalFormat *format, const uint8_t *headers, size_t count)
{
    uint8_t packet[256];
    size_t size = pack(packet, format->length_size, headers, count);

    return tl_nal_is_droppable(format, packet, size);
}

// nal_ref_idc is bits 5-6, the type bits 0-4: H.264, 7.3.1.
static void test_h264(void **state)
{
    static const struct {
        uint8_t headers[4];
        size_t count;
        int expected;
    } cases[] = {
        {{0x01}, 1, 1},                   // slice nobody refers to
        {{0x09, 0x06, 0x01, 0x01}, 4, 1}, // delimiter, SEI, two slices
        {{0x0c, 0x01}, 2, 1},             // filler
        {{0x21}, 1, 0},                   // referred to
        {{0x41}, 1, 0},
        {{0x61}, 1, 0},
        {{0x65}, 1, 0},       // IDR
        {{0x01, 0x21}, 2, 0}, // one slice of two is needed
        {{0x67, 0x01}, 2, 0}, // carries a parameter set
        {{0x68, 0x01}, 2, 0},
        {{0x02}, 1, 0},       // data partition
        {{0x14, 0x01}, 2, 0}, // scalable extension
        {{0x0b, 0x01}, 2, 0}, // end of stream
        {{0x81}, 1, 0},       // forbidden bit
        {{0x09, 0x06}, 2, 0}, // no slice at all
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(droppable(&g_avcc, cases[i].headers, cases[i].count), cases[i].expected);
        assert_int_equal(droppable(&g_annexb, cases[i].headers, cases[i].count), cases[i].expected);
    }
}

// The type is bits 1-6 of the first byte: H.265, 7.3.1.2 and table 7-1.
static void test_hevc(void **state)
{
    TlNalFormat format = {TL_NAL_HEVC, 4, 0};

    (void)state;
    for (int type = 0; type < 64; type++) {
        uint8_t header = (uint8_t)(type << 1);
        int expected = type == 0 || type == 2 || type == 4 || type == 6;
        assert_int_equal(droppable(&format, &header, 1), expected);
    }
    uint8_t upper = 0x01; // layer 32
    assert_int_equal(droppable(&format, &upper, 1), 0);
    // With sub-layers only the highest may go, without knowledge none.
    uint8_t packet[] = {0, 0, 0, 3, 0x00, 0x02, 0x80};
    format.max_temporal_id = 1;
    assert_int_equal(tl_nal_is_droppable(&format, packet, sizeof packet), 1);
    packet[5] = 0x01;
    assert_int_equal(tl_nal_is_droppable(&format, packet, sizeof packet), 0);
    format.max_temporal_id = -1;
    assert_int_equal(tl_nal_is_droppable(&format, packet, sizeof packet), 0);
}

static void test_idr(void **state)
{
    const uint8_t h264[] = {0, 0, 0, 2, 0x67, 1, 0, 0, 0, 2, 0x65, 1}, slice[] = {0, 0, 0, 2, 0x41, 1};
    const uint8_t hevc[] = {0, 0, 0, 2, 19 << 1, 1}, cra[] = {0, 0, 0, 2, 21 << 1, 1};
    const TlNalFormat format = {TL_NAL_HEVC, 4, 0};

    (void)state;
    assert_int_equal(tl_nal_is_idr(&g_avcc, h264, sizeof h264), 1);
    assert_int_equal(tl_nal_is_idr(&g_avcc, h264, 6), 0);
    assert_int_equal(tl_nal_is_idr(&g_avcc, slice, sizeof slice), 0);
    assert_int_equal(tl_nal_is_idr(&g_avcc, NULL, 0), 0);
    assert_int_equal(tl_nal_is_idr(&format, hevc, sizeof hevc), 1);
    assert_int_equal(tl_nal_is_idr(&format, cra, sizeof cra), 0); // may have leading pictures
}

static void test_malformed(void **state)
{
    const uint8_t too_long[] = {0, 0, 0, 9, 0x01, 2, 3}, no_length[] = {0, 0},
                  nothing[] = {0, 0, 0, 0, 0, 0, 0, 1, 0x01};
    const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0x01};
    const TlNalFormat none = {0};

    (void)state;
    assert_int_equal(tl_nal_is_droppable(&g_avcc, too_long, sizeof too_long), 0);
    assert_int_equal(tl_nal_is_droppable(&g_avcc, no_length, sizeof no_length), 0);
    assert_int_equal(tl_nal_is_droppable(&g_avcc, nothing, sizeof nothing), 0);
    assert_int_equal(tl_nal_is_droppable(&g_avcc, huge, sizeof huge), 0);
    assert_int_equal(tl_nal_is_droppable(&g_avcc, NULL, 0), 0);
    assert_int_equal(tl_nal_is_droppable(&g_avcc, huge, 0), 0);
    assert_int_equal(tl_nal_is_droppable(&g_annexb, (const uint8_t *)"\0\0\1", 3), 0);
    assert_int_equal(tl_nal_is_droppable(&none, (const uint8_t *)"\0\0\0\1\1\1\1\1", 8), 0);
}

static void test_extradata(void **state)
{
    const uint8_t avcc[] = {1, 100, 0, 31, 0xff, 0xe1, 0, 4, 0x67, 100, 0, 31}, avcc2[] = {1, 66, 0, 30, 0xfd, 0, 0, 0};
    const uint8_t annexb[] = {0, 0, 0, 1, 0x67, 100, 0, 31, 0xac};
    TlNalFormat format;

    (void)state;
    tl_nal_format_init(&format, TL_NAL_H264, avcc, sizeof avcc);
    assert_int_equal(format.codec, TL_NAL_H264);
    assert_int_equal(format.length_size, 4);
    tl_nal_format_init(&format, TL_NAL_H264, avcc2, sizeof avcc2);
    assert_int_equal(format.length_size, 2);
    tl_nal_format_init(&format, TL_NAL_H264, annexb, sizeof annexb);
    assert_int_equal(format.codec, TL_NAL_H264);
    assert_int_equal(format.length_size, 0);
    tl_nal_format_init(&format, TL_NAL_H264, (const uint8_t *)"what ever", 9);
    assert_int_equal(format.codec, TL_NAL_NONE);
    tl_nal_format_init(&format, TL_NAL_H264, NULL, 0);
    assert_int_equal(format.codec, TL_NAL_NONE);
    tl_nal_format_init(&format, TL_NAL_NONE, avcc, sizeof avcc);
    assert_int_equal(format.codec, TL_NAL_NONE);
}

// hvcC with a VPS whose bytes look like an SPS, then an SPS of three sub-layers.
static void test_hevc_extradata(void **state)
{
    uint8_t hvcc[23 + 3 + 2 + 6 + 3 + 2 + 4] = {1};
    const uint8_t arrays[] = {0x20, 0, 1, 0, 6, 0x40, 1, 0x42, 1, 0x0f, 0, 0x21, 0, 1, 0, 4, 0x42, 1, 2 << 1, 0};
    const uint8_t annexb[] = {0, 0, 0, 1, 0x40, 1, 0x0c, 0, 0, 1, 0x42, 1, 1 << 1, 0x60};
    TlNalFormat format;

    (void)state;
    hvcc[21] = 0x0f;
    hvcc[22] = 2;
    memcpy(hvcc + 23, arrays, sizeof arrays);
    tl_nal_format_init(&format, TL_NAL_HEVC, hvcc, sizeof hvcc);
    assert_int_equal(format.codec, TL_NAL_HEVC);
    assert_int_equal(format.length_size, 4);
    assert_int_equal(format.max_temporal_id, 2);
    tl_nal_format_init(&format, TL_NAL_HEVC, annexb, sizeof annexb);
    assert_int_equal(format.length_size, 0);
    assert_int_equal(format.max_temporal_id, 1);
    // Cut anywhere: no sub-layers known, nothing read outside.
    for (size_t size = 0; size < sizeof hvcc; size++) {
        uint8_t *copy = malloc(size + !size);
        memcpy(copy, hvcc, size);
        tl_nal_format_init(&format, TL_NAL_HEVC, copy, size);
        assert_true(format.codec == TL_NAL_NONE || format.max_temporal_id == -1 || size >= sizeof hvcc - 1);
        free(copy);
    }
}

// Random bytes in blocks of their exact size, for the address sanitizer.
static void test_random_bytes(void **state)
{
    uint32_t seed = 5;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1664525 + 1013904223;
        size_t size = (seed >> 8) % 40;
        uint8_t *data = malloc(size + !size);
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            data[i] = (uint8_t)(seed >> 24) & (round % 2 ? 0xff : 0x03);
        }
        TlNalFormat format;
        for (int codec = TL_NAL_NONE; codec <= TL_NAL_HEVC; codec++) {
            tl_nal_format_init(&format, codec, data, size);
            assert_true(format.length_size >= 0 && format.length_size <= 4);
            for (int length_size = 0; length_size <= 4; length_size++) {
                const TlNalFormat any = {codec, length_size, 0};
                int answer = tl_nal_is_droppable(&any, data, size);
                assert_true(answer == 0 || answer == 1);
            }
        }
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264),         cmocka_unit_test(test_hevc),      cmocka_unit_test(test_idr),
        cmocka_unit_test(test_malformed),    cmocka_unit_test(test_extradata), cmocka_unit_test(test_hevc_extradata),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
