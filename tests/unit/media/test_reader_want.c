// Frames that nobody wants: fewer decoded, yet count, order, times and wanted pixels are those of a full decode.
#include "fixture.h"

static int64_t g_asked;

static int want_none(void *opaque, int64_t index)
{
    (void)opaque;
    (void)index;
    g_asked++;
    return 0;
}

// opaque: int step; every step-th frame is wanted.
static int want_every(void *opaque, int64_t index)
{
    g_asked++;
    return index % *(int *)opaque == 0;
}

// An irregular choice that is a function of the index only.
static int want_some(void *opaque, int64_t index)
{
    (void)opaque;
    g_asked++;
    return ((uint64_t)index * 2654435761u >> 7) % 3 == 0;
}

// A run with `want` against the full one. Returns the number of frames left out.
static int64_t assert_consistent(const char *path, const Run *full, int (*want)(void *, int64_t), void *opaque,
                                 int threads)
{
    g_asked = 0;
    Run run = run_params(&(TlReaderParams){.input = path, .threads = threads, .want = want, .want_opaque = opaque});
    int64_t asked = g_asked, left_out = run.count - run.decoded;

    assert_int_equal(run.end, full->end);
    assert_int_equal(run.count, full->count);
    assert_true(run.in_order);
    assert_true(asked <= run.count);
    for (int64_t i = 0; i < run.count; i++) {
        assert_float_equal(run.times[i], full->times[i], 1e-9);
        if (run.hashes[i] ? run.hashes[i] != full->hashes[i] : want(opaque, i) != 0)
            fail_msg("%s: frame %d is %s", path, (int)i, run.hashes[i] ? "different" : "missing though wanted");
    }
    free_run(&run);
    return left_out;
}

static void check_input(const char *path, int64_t least_left_out)
{
    int two = 2, three = 3;
    Run full = run_file(path);

    assert_true(full.open_ret == 0 && full.in_order);
    int64_t none = assert_consistent(path, &full, want_none, NULL, 2);
    if (none < least_left_out)
        fail_msg("%s: only %d of %d frames left out", path, (int)none, (int)full.count);
    int64_t half = assert_consistent(path, &full, want_every, &two, 2);
    assert_true(half <= none);
    // Which frames are left out is no matter of threads.
    assert_int_equal(assert_consistent(path, &full, want_every, &two, 1), half);
    assert_consistent(path, &full, want_every, &three, 3);
    assert_consistent(path, &full, want_some, NULL, 2);
    free_run(&full);
}

static void test_containers(void **state)
{
    static const char *const names[] = {"b.mp4", "b.mkv", "b.ts", "b.flv"};

    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=8 -pix_fmt yuv420p -c:v libx264 -g 50 -bf 3 b.mp4");
    for (size_t i = 0; i < 4; i++) {
        if (i)
            shell("ffmpeg -v error -i b.mp4 -c copy %s", names[i]);
        check_input(in_folder(names[i]), 60);
    }
}

static void test_structures(void **state)
{
    (void)state;
    // One B picture at a time, none referred to; many with a pyramid; open groups; no B pictures; key frames only.
    static const char *const options[] = {"bframes=1:b-pyramid=none",
                                          "bframes=8:b-pyramid=normal:ref=4:b-adapt=0",
                                          "bframes=3:open-gop=1:keyint=12",
                                          "bframes=0",
                                          "keyint=1",
                                          "bframes=16:b-adapt=0:b-pyramid=strict"};
    static const int64_t least[] = {60, 60, 50, 0, 0, 60};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        shell("ffmpeg -v error -y -f lavfi -i testsrc2=s=160x96:r=25:d=6 -pix_fmt yuv420p -c:v libx264 -x264-params %s "
              "s.mp4",
              options[i]);
        check_input(in_folder("s.mp4"), least[i]);
    }
}

static void test_hevc(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=6 -pix_fmt yuv420p -c:v libx265 "
          "-x265-params log-level=0:bframes=4:keyint=30 h.mp4 && ffmpeg -v error -i h.mp4 -c copy h.ts");
    check_input(in_folder("h.mp4"), 40);
    check_input(in_folder("h.ts"), 0);
}

// Cut without decoding in the middle of a group: frames before the cut are in the file but not shown.
static void test_edit_list(void **state)
{
    (void)state;
    shell(
        "ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=8 -pix_fmt yuv420p -c:v libx264 -g 40 -bf 2 long.mp4 && "
        "ffmpeg -v error -ss 2.2 -i long.mp4 -c copy cut.mp4");
    int64_t count;
    free(reference_hashes("-i cut.mp4", 160, 96, &count));
    Run run = run_file(in_folder("cut.mp4"));
    assert_int_equal(run.count, count);
    assert_int_equal(run.info.frame_count_estimate, count);
    free_run(&run);
    check_input(in_folder("cut.mp4"), 40);
}

// A broadcast joined in the middle of a group: what cannot be decoded at the start is not counted either way.
static void test_starts_in_the_middle(void **state)
{
    (void)state;
    shell(
        "ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=8 -pix_fmt yuv420p -c:v libx264 -g 50 -bf 3 whole.ts && "
        "S=$(stat -c %%s whole.ts) && tail -c $((S / 188 * 2 / 3 * 188)) whole.ts > late.ts && "
        "cat whole.ts late.ts whole.ts > joined.ts");
    check_input(in_folder("late.ts"), 10);
    check_input(in_folder("joined.ts"), 100);
}

static void test_interlaced(void **state)
{
    (void)state;
    shell(
        "ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=4 -pix_fmt yuv420p -c:v libx264 -flags +ildct+ilme -bf 2 "
        "fields.ts");
    check_input(in_folder("fields.ts"), 0);
}

// Other codecs, and streams without times, decode everything.
static void test_all_decoded(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=3 -pix_fmt yuv420p -c:v mpeg4 -bf 2 m.mp4 && "
          "ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=3 -pix_fmt yuv420p -c:v libx264 raw.h264");
    check_input(in_folder("m.mp4"), 0);
    check_input(in_folder("raw.h264"), 0);
}

// Damage: frames may be fewer, but numbers and times go on without gaps, and the same for every number of threads.
static void test_damaged(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=160x96:r=25:d=8 -pix_fmt yuv420p -c:v libx264 -g 50 -bf 3 "
          "-movflags faststart d.mp4 && S=$(stat -c %%s d.mp4) && for P in 3 4 5 6; do printf "
          "'\\377\\012\\000\\001\\377\\377\\003\\001\\002\\377\\377\\377\\377\\377\\377\\377' | dd of=d.mp4 bs=1 "
          "seek=$((S * P / 8)) conv=notrunc status=none; done");
    int two = 2;
    Run one = run_params(
        &(TlReaderParams){.input = in_folder("d.mp4"), .threads = 1, .want = want_every, .want_opaque = &two});
    Run many = run_params(
        &(TlReaderParams){.input = in_folder("d.mp4"), .threads = 3, .want = want_every, .want_opaque = &two});
    assert_true(one.in_order && many.in_order);
    assert_true(one.count >= 190 && one.count <= 200);
    assert_int_equal(one.count, many.count);
    assert_int_equal(one.decoded, many.decoded);
    free_run(&one);
    free_run(&many);
}

// Pictures of a folder that nobody wants are not even opened.
static void test_folder(void **state)
{
    int three = 3;

    (void)state;
    shell("mkdir f && ffmpeg -v error -f lavfi -i testsrc=s=64x48:d=0.4 f/%%d.png");
    Run run = run_params(&(TlReaderParams){.input = in_folder("f"), .want = want_every, .want_opaque = &three});
    assert_int_equal(run.count, 10);
    assert_int_equal(run.decoded, 4);
    for (int i = 0; i < 10; i++)
        assert_int_equal(run.hashes[i] != 0, i % 3 == 0);
    free_run(&run);
}

// The real clips: three ways each.
static void test_clips(void **state)
{
    static const char *const names[] = {"inter-napoli-720p25", "japan-360p30", "behind-goal-720p30"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        int two = 2;
        snprintf(path, sizeof path, TL_SOURCE_DIR "/../shared/data/clips/%s.mp4", names[i]);
        if (access(path, R_OK) != 0) {
            print_message("skipped: %s is absent\n", path);
            skip();
        }
        Run full = run_file(path);
        assert_int_equal(full.end, TL_EOF);
        assert_int_equal(full.count, full.info.frame_count_estimate);
        assert_true(assert_consistent(path, &full, want_none, NULL, 2) > full.count / 2);
        assert_true(assert_consistent(path, &full, want_every, &two, 2) > full.count / 4);
        free_run(&full);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_hevc),
        cmocka_unit_test(test_edit_list),
        cmocka_unit_test(test_starts_in_the_middle),
        cmocka_unit_test(test_interlaced),
        cmocka_unit_test(test_all_decoded),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_clips),
    };

    need_ffmpeg();
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
