// Pictures that need conversion: pixel formats, rotation, sizes, folders and single files.
#include "fixture.h"

#include <math.h>

// All visible bytes of the first `count` frames of an input, as the reader gives them. Caller frees.
static uint8_t *read_pixels(const char *path, int count, int *width, int *height, size_t *frame_size)
{
    TlReader *reader = open_reader(&(TlReaderParams){.input = path, .threads = 2});
    TlStreamInfo info;
    uint8_t *all = NULL;

    tl_reader_info(reader, &info);
    *width = info.width;
    *height = info.height;
    for (int i = 0; i < count; i++) {
        TlFrame *frame = NULL;
        TlDiag diag = {0};
        if (tl_reader_next(reader, &frame, &diag) != 0)
            fail_msg("frame %d of %s: %s", i, path, diag.text);
        assert_int_equal(frame->picture.width, info.width);
        uint8_t *packed = pack_picture(&frame->picture, frame_size);
        all = realloc(all, (size_t)(i + 1) * *frame_size);
        memcpy(all + (size_t)i * *frame_size, packed, *frame_size);
        free(packed);
        tl_frame_unref(&frame);
    }
    tl_reader_close(&reader);
    return all;
}

// The same from the ffmpeg command.
static uint8_t *reference_pixels(const char *arguments, size_t size)
{
    char command[1024];
    uint8_t *data = malloc(size);

    snprintf(command, sizeof command, "cd '%s' && ffmpeg -v error %s -an -fps_mode passthrough -f rawvideo -", g_folder,
             arguments);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c)
    size_t got = fread(data, 1, size, pipe);
    while (fgetc(pipe) != EOF) {
    }
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(got, size);
    return data;
}

static void assert_near(const uint8_t *a, const uint8_t *b, size_t size, int worst, double mean)
{
    int64_t sum = 0;
    int largest = 0;

    for (size_t i = 0; i < size; i++) {
        int difference = abs(a[i] - b[i]);
        sum += difference;
        largest = difference > largest ? difference : largest;
    }
    if (largest > worst || (double)sum / (double)size > mean)
        fail_msg("pixels differ by %d at most, %.3f on average", largest, (double)sum / (double)size);
}

// Compares three frames with ffmpeg's conversion (its scaler rounds a little differently with other flags).
static void assert_like_ffmpeg(const char *name, const char *arguments, int width, int height, int worst, double mean)
{
    int got_width, got_height;
    size_t size;
    uint8_t *ours = read_pixels(in_folder(name), 3, &got_width, &got_height, &size);

    assert_int_equal(got_width, width);
    assert_int_equal(got_height, height);
    uint8_t *theirs = reference_pixels(arguments, 3 * size);
    assert_near(ours, theirs, 3 * size, worst, mean);
    free(ours);
    free(theirs);
}

static void test_pixel_formats(void **state)
{
    static const struct {
        const char *name, *encode;
    } cases[] = {
        {"ten.mkv", "-pix_fmt yuv420p10le -c:v libx264"},
        {"ten422.mkv", "-pix_fmt yuv422p10le -c:v libx264"},
        {"c422.mkv", "-pix_fmt yuv422p -c:v libx264"},
        {"c444.mkv", "-pix_fmt yuv444p -c:v libx264"},
        {"nv12.nut", "-pix_fmt nv12 -c:v rawvideo"},
        {"hevc10.mkv", "-pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=0"},
        {"rgb.mkv", "-pix_fmt bgr0 -c:v ffv1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char arguments[200];
        shell("ffmpeg -v error -f lavfi -i testsrc2=s=128x96:d=0.4 %s %s", cases[i].encode, cases[i].name);
        snprintf(arguments, sizeof arguments, "-i %s -frames:v 3 -pix_fmt yuv420p", cases[i].name);
        assert_like_ffmpeg(cases[i].name, arguments, 128, 96, 8, 0.7);
    }
}

// Full range stays full range: the planes of the file, whatever libav calls the format.
static void test_full_range(void **state)
{
    (void)state;
    shell(
        "ffmpeg -v error -f lavfi -i testsrc2=s=128x96:d=0.4 -vf scale=out_range=pc -color_range pc -pix_fmt yuvj420p "
        "-c:v libx264 full.mkv");
    assert_like_ffmpeg("full.mkv", "-i full.mkv -frames:v 3 -pix_fmt yuvj420p", 128, 96, 0, 0);
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=128x96:d=0.4 -pix_fmt yuvj422p -q:v 2 -c:v mjpeg full422.mkv");
    assert_like_ffmpeg("full422.mkv", "-i full422.mkv -frames:v 3 -pix_fmt yuvj420p", 128, 96, 8, 0.7);
}

// RGB -> YUV by the formula of BT.601 itself.
static void test_rgb_values(void **state)
{
    static const int colors[][3] = {{255, 255, 255}, {0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {30, 120, 40}};

    (void)state;
    for (size_t i = 0; i < sizeof colors / sizeof colors[0]; i++) {
        double r = colors[i][0] / 255., g = colors[i][1] / 255., b = colors[i][2] / 255.;
        double luma = .299 * r + .587 * g + .114 * b;
        int width, height;
        size_t size;
        shell("ffmpeg -v error -y -f lavfi -i color=0x%02x%02x%02x:s=32x32,format=rgb24 -frames:v 1 one.png",
              colors[i][0], colors[i][1], colors[i][2]);
        uint8_t *pixels = read_pixels(in_folder("one.png"), 1, &width, &height, &size);
        assert_true(fabs(pixels[0] - (16 + 219 * luma)) < 1.6);
        assert_true(fabs(pixels[1024] - (128 + 224 * (b - luma) / 1.772)) < 1.6);
        assert_true(fabs(pixels[1024 + 256] - (128 + 224 * (r - luma) / 1.402)) < 1.6);
        free(pixels);
    }
}

static void test_odd_sizes(void **state)
{
    (void)state;
    // H.264 encoders refuse odd sizes in 4:2:0; VP9 and lossless codecs do not.
    shell("ffmpeg -v error -f lavfi -i testsrc=s=853x479:d=0.2 -pix_fmt yuv420p -c:v ffv1 odd.mkv");
    assert_like_ffmpeg("odd.mkv", "-i odd.mkv -frames:v 3", 853, 479, 0, 0);
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=852x478:d=0.2 -pix_fmt yuv420p -c:v libx264 even.mp4");
    assert_like_ffmpeg("even.mp4", "-i even.mp4 -frames:v 3", 852, 478, 0, 0);
}

static void test_smallest_and_largest(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=16x16:d=0.2 -pix_fmt yuv420p -c:v libx264 small.mp4");
    assert_like_ffmpeg("small.mp4", "-i small.mp4 -frames:v 3", 16, 16, 0, 0);
    shell(
        "ffmpeg -v error -f lavfi -i color=0x206030:s=8192x4320:d=0.08 -pix_fmt yuv420p -c:v libx264 -preset ultrafast "
        "large.mp4");
    Run run = run_params(&(TlReaderParams){.input = in_folder("large.mp4"), .threads = 1});
    assert_int_equal(run.end, TL_EOF);
    assert_int_equal(run.count, 2);
    assert_int_equal(run.info.width, 8192);
    assert_int_equal(run.info.height, 4320);
    free_run(&run);
}

// A phone held upright: the file lies on its side and says so. ffmpeg turns it too; its pixels are the reference.
static void test_rotation(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=160x90:d=0.4 -pix_fmt yuv420p -c:v libx264 -qp 0 lying.mp4");
    for (int angle = 0; angle < 360; angle += 90) {
        char name[32], arguments[64];
        int is_upright = angle % 180 == 0;
        snprintf(name, sizeof name, "turned%d.mp4", angle);
        shell("ffmpeg -v error -i lying.mp4 -c copy -metadata:s:v rotate=%d %s", angle, name);
        snprintf(arguments, sizeof arguments, "-i %s -frames:v 3", name);
        // Exact: both only move pixels (the chroma planes have an odd number of rows).
        assert_like_ffmpeg(name, arguments, is_upright ? 160 : 90, is_upright ? 90 : 160, 0, 0);
    }
}

// All eight matrices, against the definition: pixel (x, y) is shown at (a x + c y, b x + d y), moved back into view.
static void test_orientations(void **state)
{
    enum { W = 18, H = 16 };
    uint8_t source[W * H * 3 / 2];

    (void)state;
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t)(i * 37 % 251);
    FILE *file = fopen(in_folder("raw.yuv"), "wb");
    assert_int_equal(fwrite(source, 1, sizeof source, file), sizeof source);
    fclose(file);
    shell("ffmpeg -v error -f rawvideo -s 18x16 -pix_fmt yuv420p -i raw.yuv -c:v libx264 -qp 0 -movflags faststart "
          "m.mp4");
    for (int n = 0; n < 8; n++) {
        int sign1 = n & 1 ? -1 : 1, sign2 = n & 2 ? -1 : 1, is_turned = n >> 2;
        int a = is_turned ? 0 : sign1, d = is_turned ? 0 : sign2, b = is_turned ? sign1 : 0, c = is_turned ? sign2 : 0;
        uint8_t data[8192];
        file = fopen(in_folder("m.mp4"), "rb");
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        // The matrix of tkhd: a b u c d v x y w from byte 48 behind the type, 32 bits each.
        uint8_t *tkhd = memmem(data, size, "tkhd", 4);
        assert_non_null(tkhd);
        int32_t values[5] = {a, b, 0, c, d};
        for (int k = 0; k < 5; k++) {
            uint8_t *to = tkhd + 4 + 40 + 4 * k;
            uint32_t fixed = (uint32_t)(values[k] * 65536);
            for (int j = 0; j < 4; j++)
                to[j] = (uint8_t)(fixed >> (24 - 8 * j));
        }
        file = fopen(in_folder("turned.mp4"), "wb");
        fwrite(data, 1, size, file);
        fclose(file);
        int width, height;
        size_t frame_size;
        uint8_t *pixels = read_pixels(in_folder("turned.mp4"), 1, &width, &height, &frame_size);
        assert_int_equal(width, is_turned ? H : W);
        assert_int_equal(height, is_turned ? W : H);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int shown_x = a * x + c * y, shown_y = b * x + d * y;
                shown_x += shown_x < 0 || (shown_x == 0 && a + c < 0) ? width - 1 : 0;
                shown_y += shown_y < 0 || (shown_y == 0 && b + d < 0) ? height - 1 : 0;
                assert_int_equal(pixels[shown_y * width + shown_x], source[y * W + x]);
            }
        free(pixels);
    }
}

// Ten bits and rotated at once: both conversions.
static void test_rotated_ten_bit(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=160x90:d=0.4 -pix_fmt yuv420p10le -c:v libx264 ten_lying.mp4 && "
          "ffmpeg -v error -i ten_lying.mp4 -c copy -metadata:s:v rotate=90 ten_turned.mp4");
    assert_like_ffmpeg("ten_turned.mp4", "-i ten_turned.mp4 -frames:v 3 -pix_fmt yuv420p", 90, 160, 8, 0.7);
}

// Two broadcasts joined: another size (and a clock that begins anew) in the middle.
static void test_size_change(void **state)
{
    int64_t count;

    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=320x240:d=2 -pix_fmt yuv420p -c:v libx264 -g 25 one.ts && "
          "ffmpeg -v error -f lavfi -i testsrc2=s=160x120:d=2 -pix_fmt yuv420p -c:v libx264 -g 25 two.ts && "
          "cat one.ts two.ts > both.ts");
    Run run = run_file(in_folder("both.ts"));
    assert_int_equal(run.end, TL_EOF);
    assert_true(run.in_order);
    assert_int_equal(run.count, 100);
    assert_int_equal(run.decoded, 100);
    assert_int_equal(run.info.width, 320);
    assert_true(run.times[99] > 3.5 && run.times[99] < 4.5);
    uint64_t *first = reference_hashes("-i one.ts", 320, 240, &count);
    assert_int_equal(count, 50);
    assert_memory_equal(run.hashes, first, 50 * sizeof *first);
    free(first);
    free_run(&run);
    // The second half looks like the small picture enlarged.
    TlReader *reader = open_reader(&(TlReaderParams){.input = in_folder("both.ts"), .first = 75, .end = 76});
    TlFrame *frame = NULL;
    size_t size;
    assert_int_equal(tl_reader_next(reader, &frame, NULL), 0);
    uint8_t *ours = pack_picture(&frame->picture, &size);
    uint8_t *theirs = reference_pixels("-i two.ts -vf \"select=eq(n\\,25),scale=320:240:flags=bicubic\"", size);
    assert_near(ours, theirs, size, 24, 1);
    free(ours);
    free(theirs);
    tl_frame_unref(&frame);
    tl_reader_close(&reader);
}

// A folder is a video in natural order of the names; sizes follow the first picture.
static void test_folder(void **state)
{
    int64_t count;

    (void)state;
    shell("mkdir pictures && ffmpeg -v error -f lavfi -i testsrc2=s=96x64:d=0.48 -pix_fmt yuvj420p -q:v 2 "
          "-start_number 1 "
          "pictures/frame%%d.jpg && ffmpeg -v error -f lavfi -i testsrc=s=200x100 -frames:v 1 pictures/frame13.png && "
          "echo notes > pictures/notes.txt");
    Run run = run_file(in_folder("pictures"));
    assert_int_equal(run.end, TL_EOF);
    assert_int_equal(run.count, 13);
    assert_int_equal(run.decoded, 13);
    assert_int_equal(run.info.frame_count_estimate, 13);
    assert_int_equal(run.info.width, 96);
    uint64_t *expected = reference_hashes("-i pictures/frame%d.jpg -frames:v 12", 96, 64, &count);
    assert_int_equal(count, 12);
    assert_memory_equal(run.hashes, expected, 12 * sizeof *expected);
    for (int i = 0; i < 13; i++)
        assert_float_equal(run.times[i], i / run.info.fps, 1e-9);
    free(expected);
    free_run(&run);
    run = run_params(&(TlReaderParams){.input = in_folder("pictures"), .first = 2, .end = 5});
    assert_int_equal(run.count, 3);
    assert_int_equal(run.first_index, 2);
    free_run(&run);
}

// Which frames of a folder came, as "1*", "2" ...: with a star those with pixels.
static const char *frames_of(const TlReaderParams *params)
{
    static char text[256];
    TlReader *reader = open_reader(params);
    TlFrame *frame = NULL;
    size_t n = 0;

    text[0] = 0;
    while (tl_reader_next(reader, &frame, NULL) == TL_OK) {
        n += (size_t)snprintf(text + n, sizeof text - n, n ? " %d%s" : "%d%s", (int)frame->index,
                              frame->picture.width ? "*" : "");
        assert_float_equal(frame->time_s, (double)frame->index / 25, 1e-9);
        tl_frame_unref(&frame);
    }
    tl_reader_close(&reader);
    return text;
}

static int is_even(void *opaque, int64_t index)
{
    (void)opaque;
    return index % 2 == 0;
}

// Pictures that cannot be read: the first ones are left out, later ones have no pixels, numbers and times stay those of
// the places in the folder. The size is that of the first picture that can be read.
static void test_damaged_folder(void **state)
{
    (void)state;
    shell(
        "mkdir hurt && ffmpeg -v error -f lavfi -i testsrc2=s=96x64:d=0.36 -pix_fmt yuvj420p -q:v 2 -start_number 0 "
        "hurt/%%d.jpg && head -c 700 hurt/0.jpg > x && mv x hurt/0.jpg && echo text > hurt/1.jpg && : > hurt/2.jpg && "
        "head -c 300 hurt/5.jpg > x && mv x hurt/5.jpg && ffmpeg -v error -f lavfi -i testsrc=s=8x8 -frames:v 1 -y "
        "hurt/2.jpg");
    const char *folder = in_folder("hurt");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder}), "3* 4* 5 6* 7* 8*");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .want = is_even}), "3* 4* 5 6* 7 8*");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .first = 1}), "3* 4* 5 6* 7* 8*");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .first = 5}), "6* 7* 8*");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .first = 5, .want = is_even}), "6* 7 8*");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .first = 7, .want = is_even}), "7* 8*");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .end = 5}), "3* 4*");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .end = 2}), "");
    assert_string_equal(frames_of(&(TlReaderParams){.input = folder, .first = 5, .end = 6}), "");
    Run run = run_file(folder);
    assert_int_equal(run.end, TL_EOF);
    assert_int_equal(run.info.width, 96);
    free_run(&run);
    shell("rm hurt/3.jpg hurt/4.jpg hurt/6.jpg hurt/7.jpg hurt/8.jpg");
    run = run_file(folder); // the reason of the last one
    assert_true(run.open_ret == TL_EFORMAT || run.open_ret == TL_ETRUNCATED);
    assert_non_null(strstr(run.diag.text, "hurt/5.jpg"));
    shell("rm hurt/0.jpg hurt/1.jpg hurt/5.jpg");
    run = run_file(folder);
    assert_int_equal(run.open_ret, TL_ELIMIT);
}

static void test_single_pictures(void **state)
{
    static const char *const names[] = {"p.png", "p.jpg", "p.bmp", "p.webp", "p.tiff", "p.ppm"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        shell("ffmpeg -v error -f lavfi -i testsrc=s=97x65 -frames:v 1 %s", names[i]);
        Run run = run_file(in_folder(names[i]));
        if (run.open_ret < 0 || run.end != TL_EOF)
            fail_msg("%s: %s", names[i], run.diag.text);
        assert_int_equal(run.count, 1);
        assert_int_equal(run.info.width, 97);
        assert_int_equal(run.info.height, 65);
        free_run(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixel_formats),        cmocka_unit_test(test_full_range),
        cmocka_unit_test(test_rgb_values),           cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_smallest_and_largest), cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_orientations),         cmocka_unit_test(test_rotated_ten_bit),
        cmocka_unit_test(test_size_change),          cmocka_unit_test(test_folder),
        cmocka_unit_test(test_damaged_folder),       cmocka_unit_test(test_single_pictures),
    };

    need_ffmpeg();
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
