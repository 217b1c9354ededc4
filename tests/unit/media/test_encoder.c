// Written videos, read back by the ffmpeg tools and by our own reader.
#include "fixture.h"

#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

// A smooth picture that moves: a ramp and a wave.
static void paint(const TlPicture *picture, int frame)
{
    for (int i = 0; i < 3; i++) {
        int width = i ? (picture->width + 1) / 2 : picture->width,
            height = i ? (picture->height + 1) / 2 : picture->height;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                ((uint8_t *)picture->plane[i])[(ptrdiff_t)y * picture->stride[i] + x] =
                    (uint8_t)(128 + 60 * sin((x + 2 * frame) / 23.) + 40 * cos((y - frame) / 17. + i));
    }
}

static void write_video(const char *path, int width, int height, double fps, int crf, int frames)
{
    TlStreamInfo info = {.width = width, .height = height, .fps = fps};
    TlEncoderParams params = {.path = path, .overwrite = 1, .crf = crf};
    TlEncoder *encoder = NULL;
    TlDiag diag = {0};
    TlFramePool *pool = tl_frame_pool_create(width, height);
    TlPicture picture;
    TlFrame *frame = tl_frame_pool_acquire(pool, &picture);

    if (tl_encoder_open(&encoder, &params, &info, &diag) != 0)
        fail_msg("%s", diag.text);
    for (int i = 0; i < frames; i++) {
        paint(&picture, i);
        if (tl_encoder_write(encoder, &picture, i / fps, &diag) != 0)
            fail_msg("%s", diag.text);
    }
    if (tl_encoder_commit(&encoder, &diag) != 0)
        fail_msg("%s", diag.text);
    assert_null(encoder);
    tl_frame_unref(&frame);
    tl_frame_pool_destroy(&pool);
}

// One line of ffprobe.
static void probe(const char *name, const char *entries, char *line, size_t size)
{
    char command[600];

    snprintf(command, sizeof command,
             "ffprobe -v error -count_frames -select_streams v -show_entries stream=%s -of csv=p=0 '%s'", entries,
             in_folder(name));
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c)
    line[0] = 0;
    assert_non_null(fgets(line, (int)size, pipe));
    pclose(pipe);
    line[strcspn(line, "\n")] = 0;
}

static int files_in_folder(const char *name)
{
    DIR *directory = opendir(in_folder(name));
    int count = 0;

    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(directory);
    return count;
}

static void test_rates(void **state)
{
    static const struct {
        double fps;
        const char *expected;
    } cases[] = {
        {25, "25/1"},
        {30, "30/1"},
        {29.97, "30000/1001"},
        {30000. / 1001, "30000/1001"},
        {23.976, "24000/1001"},
        {59.94, "60000/1001"},
        {50, "50/1"},
        {12.5, "25/2"},
        {0, "25/1"},
        {NAN, "25/1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[200], expected[200];
        write_video(in_folder("rate.mp4"), 64, 48, cases[i].fps, 0, 30);
        probe("rate.mp4", "codec_name,pix_fmt,r_frame_rate,avg_frame_rate,nb_read_frames", line, sizeof line);
        snprintf(expected, sizeof expected, "h264,yuv420p,%s,%s,30", cases[i].expected, cases[i].expected);
        assert_string_equal(line, expected);
    }
}

// Encodes the frames of an input at their own times, as the overlay does.
static void transcode(const char *from, const char *to)
{
    TlReader *reader = open_reader(&(TlReaderParams){.input = in_folder(from)});
    TlEncoder *encoder = NULL;
    TlFrame *frame = NULL;
    TlStreamInfo info;
    TlDiag diag = {0};

    tl_reader_info(reader, &info);
    assert_int_equal(tl_encoder_open(&encoder, &(TlEncoderParams){.path = in_folder(to), .overwrite = 1}, &info, &diag),
                     0);
    while (tl_reader_next(reader, &frame, &diag) == 0) {
        assert_int_equal(tl_encoder_write(encoder, &frame->picture, frame->time_s, &diag), 0);
        tl_frame_unref(&frame);
    }
    assert_int_equal(tl_encoder_commit(&encoder, &diag), 0);
    tl_reader_close(&reader);
}

// Presentation times of a video by ffprobe, seconds from the first. Returns their number.
static int probe_times(const char *name, double *times, int most)
{
    char command[600], line[100];
    int count = 0;

    snprintf(command, sizeof command,
             "ffprobe -v error -select_streams v -show_entries frame=pts_time -of csv=p=0 '%s'", in_folder(name));
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c)
    while (count < most && fgets(line, sizeof line, pipe)) {
        char *end;
        times[count] = strtod(line, &end);
        count += end != line; // lines of side data are empty
    }
    pclose(pipe);
    for (int i = count - 1; i >= 0; i--)
        times[i] -= times[0];
    return count;
}

// Frames at uneven times keep them; a clock of milliseconds does not make an even rate uneven.
static void test_times(void **state)
{
    double expected[200], times[200];
    char line[200];

    (void)state;
    // 60 frames of 25 fps, then every third: the mean rate fits none of them.
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=128x96:r=25:d=6 -vf \"select='lt(n,60)+not(mod(n,3))'\" -fps_mode "
          "vfr -pix_fmt yuv420p -c:v libx264 vfr.mp4 && ffmpeg -v error -f lavfi -i "
          "testsrc2=s=128x96:r=30000/1001:d=3 -pix_fmt yuv420p -c:v libx264 even.mkv");
    transcode("vfr.mp4", "vfr_out.mp4");
    int count = probe_times("vfr.mp4", expected, 200);
    assert_int_equal(count, 90);
    assert_int_equal(probe_times("vfr_out.mp4", times, 200), count);
    for (int i = 0; i < count; i++)
        if (fabs(times[i] - expected[i]) > 1.2e-3)
            fail_msg("frame %d at %f instead of %f", i, times[i], expected[i]);
    assert_true(times[count - 1] > 5.8);

    transcode("even.mkv", "even_out.mp4");
    probe("even_out.mp4", "r_frame_rate,avg_frame_rate", line, sizeof line);
    assert_string_equal(line, "30000/1001,30000/1001");
}

// Senseless times: one frame after the other, never an error.
static void test_senseless_times(void **state)
{
    static const double senseless[] = {5, 5, 4, -1e300, INFINITY, NAN, 1e300, 5.4, 5.40000001, 5.6};
    double times[20];
    TlStreamInfo info = {.width = 64, .height = 48, .fps = 25};
    TlEncoder *encoder = NULL;
    TlFramePool *pool = tl_frame_pool_create(64, 48);
    TlPicture picture;
    TlFrame *frame = tl_frame_pool_acquire(pool, &picture);
    TlDiag diag = {0};

    (void)state;
    paint(&picture, 0);
    assert_int_equal(
        tl_encoder_open(&encoder, &(TlEncoderParams){.path = in_folder("odd.mp4"), .overwrite = 1}, &info, &diag), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(tl_encoder_write(encoder, &picture, senseless[i], &diag), 0);
    assert_int_equal(tl_encoder_commit(&encoder, &diag), 0);
    assert_int_equal(probe_times("odd.mp4", times, 20), 10);
    for (int i = 0; i < 7; i++)
        assert_true(fabs(times[i] - i * 0.04) < 1e-5);
    assert_true(fabs(times[7] - 0.4) < 1e-5 && times[8] > times[7] && fabs(times[9] - 0.6) < 1e-5);
    tl_frame_unref(&frame);
    tl_frame_pool_destroy(&pool);
}

// Pixels that are not square stay so, also in a picture that is turned by a quarter.
static void test_pixel_shape(void **state)
{
    char line[200];

    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=144x112:r=25:d=0.4 -vf setsar=16/11 -pix_fmt yuv420p -c:v libx264 "
          "wide.mp4 && ffmpeg -v error -display_rotation 90 -i wide.mp4 -c copy turned.mp4 2>/dev/null || ffmpeg -v "
          "error -i wide.mp4 -c copy -metadata:s:v rotate=90 -y turned.mp4");
    transcode("wide.mp4", "wide_out.mp4");
    probe("wide_out.mp4", "width,height,sample_aspect_ratio", line, sizeof line);
    assert_string_equal(line, "144,112,16:11");
    transcode("turned.mp4", "turned_out.mp4");
    probe("turned_out.mp4", "width,height,sample_aspect_ratio", line, sizeof line);
    assert_string_equal(line, "112,144,11:16");
}

// The index stands before the data, so that a browser can begin at once.
static void test_faststart(void **state)
{
    uint8_t data[4096];

    (void)state;
    write_video(in_folder("fast.mp4"), 128, 96, 25, 0, 20);
    FILE *file = fopen(in_folder("fast.mp4"), "rb");
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    const uint8_t *moov = memmem(data, size, "moov", 4), *mdat = memmem(data, size, "mdat", 4);
    assert_non_null(moov);
    assert_true(!mdat || moov < mdat);
}

static double error_of(const char *name, int width, int height, int crf)
{
    TlFramePool *pool = tl_frame_pool_create(width, height);
    TlPicture original;
    TlFrame *source = tl_frame_pool_acquire(pool, &original), *frame = NULL;
    double sum = 0;
    int count = 0;

    write_video(in_folder(name), width, height, 25, crf, 12);
    TlReader *reader = open_reader(&(TlReaderParams){.input = in_folder(name)});
    while (tl_reader_next(reader, &frame, NULL) == 0) {
        assert_int_equal(frame->picture.width, (width + 1) & ~1);
        assert_int_equal(frame->picture.height, (height + 1) & ~1);
        paint(&original, count++);
        // The padding repeats the last column and row.
        for (int y = 0; y < frame->picture.height; y++)
            for (int x = 0; x < frame->picture.width; x++) {
                int from =
                    original.plane[0][(y < height ? y : height - 1) * original.stride[0] + (x < width ? x : width - 1)];
                double difference = frame->picture.plane[0][y * frame->picture.stride[0] + x] - from;
                sum += difference * difference;
            }
        tl_frame_unref(&frame);
    }
    assert_int_equal(count, 12);
    tl_reader_close(&reader);
    tl_frame_unref(&source);
    tl_frame_pool_destroy(&pool);
    return sum / count / ((width + 1) & ~1) / ((height + 1) & ~1);
}

static void test_pictures_come_back(void **state)
{
    (void)state;
    double usual = error_of("q.mp4", 160, 120, 0), fine = error_of("q.mp4", 160, 120, 8);
    assert_true(usual < 6); // about 40 dB
    assert_true(fine < 0.5 && fine < usual);
    assert_true(error_of("odd.mp4", 161, 119, 8) < 0.6);
    assert_true(error_of("small.mp4", 16, 17, 8) < 1);
}

static void test_same_bytes(void **state)
{
    (void)state;
    // Whatever stood in fresh memory before.
    mallopt(M_PERTURB, 1);
    write_video(in_folder("one.mp4"), 320, 240, 25, 0, 40);
    mallopt(M_PERTURB, 85);
    write_video(in_folder("two.mp4"), 320, 240, 25, 0, 40);
    mallopt(M_PERTURB, 0);
    shell("cmp one.mp4 two.mp4");
}

static int open_code(const TlEncoderParams *params, int width, int height)
{
    TlStreamInfo info = {.width = width, .height = height, .fps = 25};
    TlEncoder *encoder = NULL;
    TlDiag diag = {0};
    int ret = tl_encoder_open(&encoder, params, &info, &diag);

    if (ret < 0) {
        assert_null(encoder);
        assert_true(diag.text[0] != 0);
    }
    tl_encoder_abort(&encoder);
    return ret;
}

static void test_refusals(void **state)
{
    (void)state;
    shell("mkdir r && touch r/there.mp4");
    assert_int_equal(open_code(&(TlEncoderParams){.path = in_folder("r/there.mp4")}, 64, 64), TL_EEXIST);
    assert_int_equal(open_code(&(TlEncoderParams){.path = in_folder("r/no/such.mp4")}, 64, 64), TL_ENOENT);
    assert_int_equal(open_code(&(TlEncoderParams){.path = in_folder("r/a.mp4")}, 8, 64), TL_ELIMIT);
    assert_int_equal(open_code(&(TlEncoderParams){.path = in_folder("r/a.mp4")}, 64, 20000), TL_ELIMIT);
    assert_int_equal(open_code(&(TlEncoderParams){.path = in_folder("r/a.mp4")}, 0, 0), TL_ELIMIT);
    assert_int_equal(open_code(&(TlEncoderParams){.path = in_folder("r/a.mp4"), .crf = 52}, 64, 64), TL_EUSAGE);
    assert_int_equal(open_code(&(TlEncoderParams){.path = "-"}, 64, 64), TL_EUSAGE);
    assert_int_equal(open_code(&(TlEncoderParams){.path = "/dev/null", .overwrite = 1}, 64, 64), TL_EUSAGE);
    assert_int_equal(files_in_folder("r"), 1);
}

// Until the commit there is no file of that name, after an abort nothing at all.
static void test_whole_or_not_at_all(void **state)
{
    TlStreamInfo info = {.width = 64, .height = 64, .fps = 25};
    TlEncoder *encoder = NULL;
    TlDiag diag = {0};
    TlFramePool *pool = tl_frame_pool_create(64, 64);
    TlPicture picture;

    (void)state;
    shell("mkdir w");
    TlFrame *frame = tl_frame_pool_acquire(pool, &picture);
    paint(&picture, 0);
    assert_int_equal(tl_encoder_open(&encoder, &(TlEncoderParams){.path = in_folder("w/a:b.mp4")}, &info, &diag), 0);
    assert_int_equal(tl_encoder_write(encoder, &picture, NAN, &diag), 0);
    assert_true(access(in_folder("w/a:b.mp4"), F_OK) != 0);
    picture.height = 62;
    assert_int_equal(tl_encoder_write(encoder, &picture, NAN, &diag), TL_EUSAGE);
    tl_encoder_abort(&encoder);
    assert_null(encoder);
    tl_encoder_abort(&encoder);
    assert_int_equal(files_in_folder("w"), 0);
    picture.height = 64;
    tl_diag_clear(&diag);
    assert_int_equal(tl_encoder_open(&encoder, &(TlEncoderParams){.path = in_folder("w/a:b.mp4")}, &info, &diag), 0);
    assert_int_equal(tl_encoder_write(encoder, &picture, NAN, &diag), 0);
    assert_int_equal(tl_encoder_commit(&encoder, &diag), 0);
    assert_int_equal(files_in_folder("w"), 1);
    assert_int_equal(access(in_folder("w/a:b.mp4"), F_OK), 0);
    tl_frame_unref(&frame);
    tl_frame_pool_destroy(&pool);
}

// No space: a limit on the size of files stands in for a full disk (the system answers alike).
static void test_no_space(void **state)
{
    TlStreamInfo info = {.width = 320, .height = 240, .fps = 25};
    TlEncoder *encoder = NULL;
    TlDiag diag = {0};
    TlFramePool *pool = tl_frame_pool_create(320, 240);
    TlPicture picture;
    struct rlimit before, small;
    uint32_t seed = 1;
    int ret;

    (void)state;
    shell("mkdir full");
    TlFrame *frame = tl_frame_pool_acquire(pool, &picture);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(
        tl_encoder_open(&encoder, &(TlEncoderParams){.path = in_folder("full/v.mp4"), .crf = 1}, &info, &diag), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    ret = TL_OK;
    for (int i = 0; i < 200 && !ret; i++) {
        for (int k = 0; k < picture.stride[0] * picture.height; k++) {
            seed = seed * 1664525 + 1013904223;
            ((uint8_t *)picture.plane[0])[k] = (uint8_t)(seed >> 24);
        }
        ret = tl_encoder_write(encoder, &picture, NAN, &diag);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(ret, TL_ENOSPC);
    assert_non_null(strstr(diag.text, "v.mp4"));
    tl_encoder_abort(&encoder);
    assert_int_equal(files_in_folder("full"), 0);
    tl_frame_unref(&frame);
    tl_frame_pool_destroy(&pool);
}

// The space ends while the index is written.
static void test_no_space_at_the_end(void **state)
{
    TlStreamInfo info = {.width = 64, .height = 64, .fps = 25};
    TlEncoder *encoder = NULL;
    TlDiag diag = {0};
    TlFramePool *pool = tl_frame_pool_create(64, 64);
    TlPicture picture;
    struct rlimit before, small;

    (void)state;
    shell("mkdir full2");
    TlFrame *frame = tl_frame_pool_acquire(pool, &picture);
    paint(&picture, 3);
    assert_int_equal(tl_encoder_open(&encoder, &(TlEncoderParams){.path = in_folder("full2/v.mp4")}, &info, &diag), 0);
    assert_int_equal(tl_encoder_write(encoder, &picture, NAN, &diag), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int ret = tl_encoder_commit(&encoder, &diag);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(ret, TL_ENOSPC);
    assert_null(encoder);
    assert_int_equal(files_in_folder("full2"), 0);
    tl_frame_unref(&frame);
    tl_frame_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_senseless_times),
        cmocka_unit_test(test_pixel_shape),
        cmocka_unit_test(test_faststart),
        cmocka_unit_test(test_pictures_come_back),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_whole_or_not_at_all),
        cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_no_space_at_the_end),
    };

    need_ffmpeg();
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
