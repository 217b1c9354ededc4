// Reading of ordinary videos: pixels, numbers and times against the ffmpeg command, ranges, pipes, byte sources,
// allocations, cancelling.
#include "fixture.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>

#include "base/mem.h"

static int make_inputs(void **state)
{
    if (make_folder(state))
        return -1;
    // B pictures with references among them, closed groups of 30, a sound stream beside the pictures.
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=30:d=12 -f lavfi -i sine=d=12 -pix_fmt yuv420p "
          "-c:v libx264 -g 30 -bf 3 -c:a aac -movflags faststart front.mp4");
    shell("ffmpeg -v error -i front.mp4 -c copy back.mp4 && ffmpeg -v error -i front.mp4 -c copy a.mkv && "
          "ffmpeg -v error -i front.mp4 -c copy a.ts && ffmpeg -v error -i front.mp4 -an -c copy a.h264");
    return 0;
}

static void assert_same_pictures(const Run *run, const char *arguments)
{
    int64_t count;
    uint64_t *expected = reference_hashes(arguments, run->info.width, run->info.height, &count);

    assert_int_equal(run->open_ret, 0);
    assert_int_equal(run->end, TL_EOF);
    assert_true(run->in_order);
    assert_int_equal(run->count, count);
    for (int64_t i = 0; i < count; i++)
        if (run->hashes[i] != expected[i])
            fail_msg("frame %d differs from ffmpeg's", (int)i);
    free(expected);
}

// Each container: exactly the pictures of the ffmpeg command, numbered from 0.
static void test_pixels(void **state)
{
    static const char *const names[] = {"front.mp4", "back.mp4", "a.mkv", "a.ts", "a.h264"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char arguments[64];
        Run run = run_file(in_folder(names[i]));
        snprintf(arguments, sizeof arguments, "-i %s", names[i]);
        assert_same_pictures(&run, arguments);
        assert_int_equal(run.count, 360);
        assert_int_equal(run.info.width, 320);
        assert_int_equal(run.info.height, 240);
        free_run(&run);
    }
}

static void test_info(void **state)
{
    Run run = run_file(in_folder("front.mp4"));

    (void)state;
    assert_float_equal(run.info.fps, 30, 1e-9);
    assert_int_equal(run.info.frame_count_estimate, 360);
    assert_string_equal(run.info.source, in_folder("front.mp4"));
    for (int64_t i = 0; i < run.count; i++)
        assert_float_equal(run.times[i], (double)i / 30, 1e-4);
    free_run(&run);
}

static void test_threads_give_the_same(void **state)
{
    Run one = run_params(&(TlReaderParams){.input = in_folder("front.mp4"), .threads = 1});
    Run many = run_params(&(TlReaderParams){.input = in_folder("front.mp4"), .threads = 5});

    (void)state;
    assert_int_equal(one.count, many.count);
    assert_memory_equal(one.hashes, many.hashes, (size_t)one.count * sizeof *one.hashes);
    assert_memory_equal(one.times, many.times, (size_t)one.count * sizeof *one.times);
    free_run(&one);
    free_run(&many);
}

static void test_ntsc_rate(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc=s=64x64:r=30000/1001:d=2 -pix_fmt yuv420p ntsc.mp4");
    Run run = run_file(in_folder("ntsc.mp4"));
    assert_float_equal(run.info.fps, 30000.0 / 1001, 1e-9);
    for (int64_t i = 0; i < run.count; i++)
        assert_float_equal(run.times[i], (double)i * 1001 / 30000, 1e-6);
    free_run(&run);
}

// Every third frame left out and the second half at twice the pace: times are those of the frames that are there.
static void test_variable_rate(void **state)
{
    (void)state;
    shell(
        "ffmpeg -v error -f lavfi -i testsrc=s=64x64:r=20:d=6 -vf \"select='mod(n,3)',"
        "setpts='if(gt(N,40),PTS+(41-N)*0.025/TB,PTS)'\" -fps_mode vfr -pix_fmt yuv420p -enc_time_base 1/1000 vfr.mp4");
    char command[512];
    snprintf(command, sizeof command,
             "ffprobe -v error -select_streams v -show_entries frame=pts_time -of csv=p=0 '%s'", in_folder("vfr.mp4"));
    Run run = run_file(in_folder("vfr.mp4"));
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c)
    double time_s, first_s = 0;
    int64_t i = 0;
    for (; fscanf(pipe, "%lf%*[^\n]", &time_s) == 1; i++) {
        if (!i)
            first_s = time_s;
        assert_true(i < run.count);
        assert_float_equal(run.times[i], time_s - first_s, 2e-6);
    }
    pclose(pipe);
    assert_int_equal(i, run.count);
    assert_true(run.count > 60 && run.in_order);
    // It is indeed variable.
    assert_true(fabs((run.times[2] - run.times[1]) - (run.times[1] - run.times[0])) > 0.01);
    free_run(&run);
}

// Raw H.264 has no times: made from the frame rate.
static void test_missing_times(void **state)
{
    Run run = run_file(in_folder("a.h264"));

    (void)state;
    assert_int_equal(run.count, 360);
    assert_true(run.in_order && run.times[0] == 0);
    for (int64_t i = 1; i < run.count; i++)
        assert_true(run.times[i] - run.times[i - 1] < 0.1);
    free_run(&run);
}

static void test_range(void **state)
{
    static const int64_t ranges[][2] = {{0, 0}, {0, 1}, {5, 6}, {100, 160}, {359, 0}, {350, 1000}, {360, 0}, {7, 7}};
    Run whole = run_file(in_folder("front.mp4"));

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        int64_t first = ranges[i][0], end = ranges[i][1];
        Run part =
            run_params(&(TlReaderParams){.input = in_folder("front.mp4"), .threads = 2, .first = first, .end = end});
        int64_t last = !end || end > 360 ? 360 : end;
        assert_int_equal(part.end, TL_EOF);
        assert_int_equal(part.count, last > first ? last - first : 0);
        assert_int_equal(part.decoded, part.count);
        if (part.count) {
            assert_int_equal(part.first_index, first);
            assert_memory_equal(part.hashes, whole.hashes + first, (size_t)part.count * sizeof *part.hashes);
            assert_memory_equal(part.times, whole.times + first, (size_t)part.count * sizeof *part.times);
        }
        free_run(&part);
    }
    free_run(&whole);
}

static void test_pipe(void **state)
{
    static const char *const names[] = {"front.mp4", "a.ts", "a.mkv"};
    int saved = dup(STDIN_FILENO);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char command[600];
        snprintf(command, sizeof command, "cat '%s'", in_folder(names[i]));
        FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c)
        dup2(fileno(pipe), STDIN_FILENO);
        Run run = run_file("-");
        pclose(pipe);
        assert_int_equal(run.end, TL_EOF);
        assert_int_equal(run.count, 360);
        assert_string_equal(run.info.source, "-");
        free_run(&run);
    }
    // A redirected file can seek, so its index may be at the end.
    int fd = open(in_folder("back.mp4"), O_RDONLY);
    dup2(fd, STDIN_FILENO);
    close(fd);
    Run run = run_file("-");
    assert_int_equal(run.count, 360);
    free_run(&run);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

// A file in memory behind the callbacks, handed out in odd portions.
typedef struct Memory {
    uint8_t *data;
    int64_t size, position, fail_at;
    int fail_code;
} Memory;

static int read_memory(void *opaque, uint8_t *data, int size)
{
    Memory *memory = opaque;
    int64_t count = memory->size - memory->position;

    if (memory->fail_code && memory->position >= memory->fail_at)
        return memory->fail_code;
    if (count > size)
        count = size;
    if (count > 1237)
        count = 1237;
    memcpy(data, memory->data + memory->position, (size_t)count);
    memory->position += count;
    return (int)count;
}

static int64_t seek_memory(void *opaque, int64_t offset, int whence)
{
    Memory *memory = opaque;

    if (whence == 0x10000)
        return memory->size;
    if (whence == SEEK_CUR)
        offset += memory->position;
    else if (whence == SEEK_END)
        offset += memory->size;
    if (offset < 0)
        return -1;
    return memory->position = offset > memory->size ? memory->size : offset;
}

static Memory load(const char *path)
{
    Memory memory = {0};
    FILE *file = fopen(path, "rb");

    fseek(file, 0, SEEK_END);
    memory.size = ftell(file);
    rewind(file);
    memory.data = malloc((size_t)memory.size);
    assert_int_equal(fread(memory.data, 1, (size_t)memory.size, file), memory.size);
    fclose(file);
    return memory;
}

static Run run_memory(Memory *memory, int can_seek)
{
    struct TlByteSource bytes = {memory, read_memory, can_seek ? seek_memory : NULL};

    return run_params(&(TlReaderParams){.bytes = &bytes, .threads = 2});
}

static void test_byte_source(void **state)
{
    Run file = run_file(in_folder("front.mp4"));

    (void)state;
    for (int can_seek = 0; can_seek < 2; can_seek++) {
        Memory memory = load(in_folder("front.mp4"));
        Run run = run_memory(&memory, can_seek);
        assert_int_equal(run.end, TL_EOF);
        assert_int_equal(run.count, file.count);
        assert_memory_equal(run.hashes, file.hashes, (size_t)file.count * sizeof *file.hashes);
        free_run(&run);
        free(memory.data);
    }
    // The index at the end needs a source that can seek.
    Memory memory = load(in_folder("back.mp4"));
    Run run = run_memory(&memory, 1);
    assert_int_equal(run.count, file.count);
    free_run(&run);
    memory.position = 0;
    run = run_memory(&memory, 0);
    assert_int_equal(run.open_ret, TL_EFORMAT);
    assert_non_null(strstr(run.diag.text, "index at the end"));
    free_run(&run);
    free(memory.data);
    free_run(&file);
}

// A source that fails in the middle: all frames before it, then its own code.
static void test_byte_source_fails(void **state)
{
    Memory memory = load(in_folder("front.mp4"));

    (void)state;
    memory.fail_code = TL_ENET;
    memory.fail_at = memory.size / 2;
    Run run = run_memory(&memory, 0);
    assert_int_equal(run.open_ret, 0);
    assert_int_equal(run.end, TL_ENET);
    assert_true(run.count > 100 && run.count < 300 && run.in_order);
    assert_non_null(strstr(run.diag.text, "of about 360 frames"));
    free_run(&run);
    memory.position = memory.fail_at = 0;
    run = run_memory(&memory, 0);
    assert_int_equal(run.open_ret, TL_ENET);
    free_run(&run);
    free(memory.data);
}

// Frames are lent, not copied, and nothing of ours is allocated once the pool is warm.
static void test_no_allocation_when_warm(void **state)
{
    enum { HELD = 8 };
    TlReader *reader = open_reader(&(TlReaderParams){.input = in_folder("front.mp4"), .threads = 2});
    TlFrame *held[HELD] = {NULL};
    uint64_t before = 0;

    (void)state;
    for (int i = 0; i < 340; i++) {
        if (i == 40)
            before = tl_alloc_count();
        tl_frame_unref(&held[i % HELD]);
        assert_int_equal(tl_reader_next(reader, &held[i % HELD], NULL), 0);
        assert_non_null(held[i % HELD]->opaque); // libav owns the pixels
    }
    assert_int_equal(tl_alloc_count(), before);
    tl_reader_close(&reader);
    // Frames outlive their reader.
    for (int i = 0; i < HELD; i++) {
        assert_true(hash_picture(&held[i]->picture) != 0);
        tl_frame_unref(&held[i]);
    }
}

static void test_cancel(void **state)
{
    atomic_int cancel = 0;
    TlReader *reader = open_reader(&(TlReaderParams){.input = in_folder("front.mp4"), .cancel = &cancel});
    TlFrame *frame = NULL;
    TlDiag diag = {0};

    (void)state;
    assert_int_equal(tl_reader_next(reader, &frame, &diag), 0);
    tl_frame_unref(&frame);
    atomic_store(&cancel, 1);
    assert_int_equal(tl_reader_next(reader, &frame, &diag), TL_EINTERRUPTED);
    assert_null(frame);
    tl_reader_close(&reader);
    assert_int_equal(tl_reader_open(&reader, &(TlReaderParams){.input = in_folder("a.ts"), .cancel = &cancel}, &diag),
                     TL_EINTERRUPTED);
}

static void *cancel_soon(void *opaque)
{
    usleep(100 * 1000);
    atomic_store((atomic_int *)opaque, 1);
    return NULL;
}

// A pipe that nobody writes to blocks; the flag ends the wait.
static void test_cancel_inside_read(void **state)
{
    atomic_int cancel = 0;
    pthread_t thread;
    int ends[2], saved = dup(STDIN_FILENO);
    TlReader *reader = NULL;
    TlDiag diag = {0};

    (void)state;
    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(tl_reader_open(&reader, &(TlReaderParams){.input = "-", .cancel = &cancel}, &diag),
                     TL_EINTERRUPTED);
    pthread_join(thread, NULL);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

// Names that libav would take for something else.
static void test_odd_names(void **state)
{
    static const char *const names[] = {"a:b.mp4", "file:x.mp4", "50%d.mp4", "blank name.mp4", "-x.mp4", "quote'.mp4"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(link(in_folder("front.mp4"), in_folder(names[i])), 0);
        Run run = run_params(&(TlReaderParams){.input = in_folder(names[i]), .end = 3});
        assert_int_equal(run.count, 3);
        free_run(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_threads_give_the_same),
        cmocka_unit_test(test_ntsc_rate),
        cmocka_unit_test(test_variable_rate),
        cmocka_unit_test(test_missing_times),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_byte_source),
        cmocka_unit_test(test_byte_source_fails),
        cmocka_unit_test(test_no_allocation_when_warm),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_inside_read),
        cmocka_unit_test(test_odd_names),
    };

    need_ffmpeg();
    return cmocka_run_group_tests(tests, make_inputs, remove_folder);
}
