// Inputs that cannot be read: each its own code and one clear sentence, nothing leaked, nothing crashed.
#include "fixture.h"

#include <fcntl.h>
#include <time.h>

#include <touchline/log.h>

static int make_inputs(void **state)
{
    if (make_folder(state))
        return -1;
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=30:d=4 -f lavfi -i sine=d=4 -pix_fmt yuv420p -c:v libx264 "
          "-g 30 -c:a aac whole.mp4");
    shell("ffmpeg -v error -i whole.mp4 -an -c copy -movflags faststart front.mp4 && "
          "ffmpeg -v error -i whole.mp4 -an -c copy a.mkv && ffmpeg -v error -i whole.mp4 -an -c copy a.ts");
    return 0;
}

// Opening fails with this code and a sentence that contains `word` and, where it is a name, the name; no libav jargon.
static void assert_refused(const char *input, int code, const char *word)
{
    TlReader *reader = (TlReader *)&code;
    TlDiag diag = {0};
    int ret = tl_reader_open(&reader, &(TlReaderParams){.input = input}, &diag);

    if (ret != code)
        fail_msg("'%s' gave %s (%s), expected %s", input, tl_error_name(ret), diag.text, tl_error_name(code));
    assert_null(reader);
    assert_int_equal(diag.code, code);
    if (!strstr(diag.text, word))
        fail_msg("'%s' lacks '%s'", diag.text, word);
    if (strcmp(input, "-") && input[0] && !strstr(diag.text, strrchr(input, '/') ? strrchr(input, '/') : input))
        fail_msg("'%s' lacks the name of %s", diag.text, input);
    assert_null(strchr(diag.text, '\n'));
    assert_true(diag.text[strlen(diag.text) - 1] != '.');
}

static void test_missing(void **state)
{
    (void)state;
    assert_refused(in_folder("nothing.mp4"), TL_ENOENT, "no file");
    assert_refused(in_folder("whole.mp4/x"), TL_ENOENT, "no file");
    assert_refused("", TL_ENOENT, "empty");
    assert_refused("ftp://localhost/x.mp4", TL_ENOENT, "only http");
    assert_refused("concat:whole.mp4|whole.mp4", TL_ENOENT, "no file");
}

static void test_empty(void **state)
{
    (void)state;
    shell(
        ": > empty.mp4 && mkdir bare && mkdir texts && echo hello > texts/readme.txt && echo x > texts/.hidden.png && "
        "mkdir texts/folder.png");
    assert_refused(in_folder("empty.mp4"), TL_EEMPTY, "0 bytes");
    assert_refused(in_folder("bare"), TL_EEMPTY, "no picture");
    assert_refused(in_folder("texts"), TL_EEMPTY, "no picture");
}

static void test_empty_pipe(void **state)
{
    int ends[2], saved = dup(STDIN_FILENO);

    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    assert_refused("-", TL_EEMPTY, "standard input");
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
}

static void test_not_a_video(void **state)
{
    (void)state;
    shell(
        "echo 'once upon a time there was no video' > text.mp4 && yes 'a line of text' | head -c 300000 > long.mp4 && "
        "seq 1 90000 | gzip -n | tail -c +30 | head -c 200000 > noise.mp4 && printf '\\000' > byte.mp4 && head -c "
        "100000 /dev/zero > zero.mp4 "
        "&& "
        "printf '#EXTM3U\\n#EXT-X-TARGETDURATION:4\\n#EXTINF:4,\\nwhole.mp4\\n#EXT-X-ENDLIST\\n' > list.m3u8 && "
        "printf 'ffconcat version 1.0\\nfile whole.mp4\\n' > list.ffconcat && echo text > text.jpg");
    assert_refused(in_folder("text.mp4"), TL_EFORMAT, "not a video");
    assert_refused(in_folder("long.mp4"), TL_EFORMAT, "not a video");
    assert_refused(in_folder("noise.mp4"), TL_EFORMAT, "");
    assert_refused(in_folder("byte.mp4"), TL_EFORMAT, "not a video");
    assert_refused(in_folder("zero.mp4"), TL_EFORMAT, "");
    assert_refused(in_folder("text.jpg"), TL_EFORMAT, "not a video");
    // Playlists would open files and addresses of their author's choice.
    assert_refused(in_folder("list.m3u8"), TL_EFORMAT, "playlist");
    assert_refused(in_folder("list.ffconcat"), TL_EFORMAT, "playlist");
}

static void test_no_video_stream(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i sine=d=2 -c:a aac sound.mp4 && ffmpeg -v error -f lavfi -i sine=d=2 sound.wav");
    assert_refused(in_folder("sound.mp4"), TL_ENOVIDEO, "no video stream");
    assert_refused(in_folder("sound.wav"), TL_ENOVIDEO, "no video stream");
}

// The cover of a song is no video.
static void test_cover_picture(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc=s=64x64 -frames:v 1 cover.png && "
          "ffmpeg -v error -f lavfi -i sine=d=2 -i cover.png -map 0 -map 1 -c:a aac -c:v copy -disposition:v "
          "attached_pic "
          "song.m4a");
    assert_refused(in_folder("song.m4a"), TL_ENOVIDEO, "no video stream");
}

static void test_no_frame(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i testsrc=s=64x64:d=1 -frames:v 0 -c:v libx264 none.mp4");
    assert_refused(in_folder("none.mp4"), TL_ENOVIDEO, "no video stream"); // ffmpeg writes no track at all
    shell("printf 'YUV4MPEG2 W64 H48 F25:1 C420\\n' > none.y4m");
    assert_refused(in_folder("none.y4m"), TL_EEMPTY, "no frame");
    // A track without a sample: the head of a fragmented file.
    shell("ffmpeg -v error -i front.mp4 -c copy -movflags empty_moov+frag_keyframe frag.mp4 && "
          "head -c $(($(grep -abo moof frag.mp4 | head -1 | cut -d: -f1) - 4)) frag.mp4 > head_only.mp4");
    assert_refused(in_folder("head_only.mp4"), TL_EEMPTY, "no frame");
}

static void test_cut_index(void **state)
{
    (void)state;
    shell("head -c 60000 whole.mp4 > moov_missing.mp4 && head -c 1000 front.mp4 > moov_cut.mp4 && "
          "head -c $(($(stat -c %%s whole.mp4) - 500)) whole.mp4 > moov_cut_at_end.mp4 && head -c 30 whole.mp4 > "
          "head.mp4");
    assert_refused(in_folder("moov_missing.mp4"), TL_ETRUNCATED, "moov");
    assert_refused(in_folder("moov_cut.mp4"), TL_ETRUNCATED, "moov");
    assert_refused(in_folder("moov_cut_at_end.mp4"), TL_ETRUNCATED, "moov");
    assert_refused(in_folder("head.mp4"), TL_ETRUNCATED, "moov");
}

static void assert_cut(const char *name, int64_t at_least, int64_t at_most)
{
    Run run = run_file(in_folder(name));

    assert_int_equal(run.open_ret, 0);
    if (run.end != TL_ETRUNCATED)
        fail_msg("%s ended with %s after %d frames", name, tl_error_name(run.end), (int)run.count);
    char part[64];
    snprintf(part, sizeof part, "stopped after %d of about 120 frames", (int)run.count);
    if (!strstr(run.diag.text, part) || !strstr(run.diag.text, name))
        fail_msg("'%s' lacks '%s'", run.diag.text, part);
    assert_true(run.in_order);
    if (run.count < at_least || run.count > at_most)
        fail_msg("%s: %d frames", name, (int)run.count);
    free_run(&run);
}

// Data that ends early: every frame that is there, then the sentence with both numbers. Same count as ffmpeg's.
static void test_cut_data(void **state)
{
    int64_t count;

    (void)state;
    shell("head -c $(($(stat -c %%s front.mp4) / 2)) front.mp4 > half.mp4");
    free(reference_hashes("-i half.mp4 2>/dev/null", 320, 240, &count));
    assert_cut("half.mp4", count, count);
    shell("head -c $(($(stat -c %%s front.mp4) - 20)) front.mp4 > nearly.mp4");
    assert_cut("nearly.mp4", 119, 120);
    shell("head -c $(($(stat -c %%s a.mkv) / 2)) a.mkv > half.mkv");
    assert_cut("half.mkv", 30, 90);
    shell("ffmpeg -v error -i front.mp4 -c:v mpeg4 -b:v 1M a.avi && head -c $(($(stat -c %%s a.avi) / 2)) a.avi > "
          "half.avi");
    assert_cut("half.avi", 30, 90);
}

// Sound between the pictures, cut at many places: never is a part taken for the whole, from a file or from a pipe.
static void test_cut_anywhere(void **state)
{
    char command[600], *path = strdup(in_folder("part.mp4"));
    int saved = dup(STDIN_FILENO);
    struct stat status;

    (void)state;
    shell("ffmpeg -v error -i whole.mp4 -c copy -movflags faststart sound_too.mp4");
    assert_int_equal(stat(in_folder("sound_too.mp4"), &status), 0);
    for (int part = 10; part < 98; part += 2) {
        snprintf(command, sizeof command, "head -c %lld sound_too.mp4 > part.mp4",
                 (long long)status.st_size * part / 100);
        shell("%s", command);
        for (int is_pipe = 0; is_pipe < 2; is_pipe++) {
            FILE *pipe = NULL;
            if (is_pipe) {
                snprintf(command, sizeof command, "cat '%s'", path);
                pipe = popen(command, "r"); // NOLINT(cert-env33-c)
                dup2(fileno(pipe), STDIN_FILENO);
            }
            Run run = run_file(is_pipe ? "-" : path);
            if (is_pipe) {
                dup2(saved, STDIN_FILENO);
                pclose(pipe);
            }
            int code = run.open_ret ? run.open_ret : run.end;
            if (code != TL_ETRUNCATED)
                fail_msg("%d%% (pipe %d): %s after %d frames", part, is_pipe, tl_error_name(code), (int)run.count);
            assert_non_null(strstr(run.diag.text, "of about 120 frames"));
            free_run(&run);
        }
    }
    close(saved);
    free(path);
}

// The data of the last sounds is missing, the pictures are all there: nothing to complain about.
static void test_cut_behind_the_last_picture(void **state)
{
    (void)state;
    shell("ffmpeg -v error -i front.mp4 -f lavfi -i sine=d=9 -map 0 -map 1 -c:v copy -c:a aac -movflags faststart "
          "long_sound.mp4 && head -c $(($(stat -c %%s long_sound.mp4) - 3000)) long_sound.mp4 > cut_sound.mp4");
    Run run = run_file(in_folder("cut_sound.mp4"));
    if (run.end != TL_EOF)
        fail_msg("%s: %s", tl_error_name(run.end), run.diag.text);
    assert_int_equal(run.count, 120);
    free_run(&run);
}

// Nothing but the index.
static void test_cut_before_data(void **state)
{
    (void)state;
    shell("head -c $(($(grep -abo mdat front.mp4 | head -1 | cut -d: -f1) + 40)) front.mp4 > index.mp4");
    assert_refused(in_folder("index.mp4"), TL_ETRUNCATED, "stopped after 0 of about 120 frames");
}

// Transport streams have no notion of an end: a cut one simply has fewer frames.
static void test_cut_transport_stream(void **state)
{
    (void)state;
    shell("head -c $(($(stat -c %%s a.ts) / 2)) a.ts > half.ts");
    Run run = run_file(in_folder("half.ts"));
    assert_int_equal(run.end, TL_EOF);
    assert_true(run.count > 30 && run.count < 90);
    free_run(&run);
}

// Bytes overwritten in the middle: concealed, counted, and every later frame is there.
static void test_damage_in_the_middle(void **state)
{
    (void)state;
    shell("cp front.mp4 hurt.mp4 && S=$(stat -c %%s hurt.mp4) && for P in 3 4 5; do head -c 300 /dev/urandom | "
          "dd of=hurt.mp4 bs=1 seek=$((S * P / 8)) conv=notrunc status=none; done");
    Run run = run_file(in_folder("hurt.mp4"));
    assert_int_equal(run.open_ret, 0);
    assert_true(run.in_order);
    assert_true(run.count >= 110 && run.count <= 120);
    if (run.end != TL_EOF)
        fail_msg("ended with %s: %s", tl_error_name(run.end), run.diag.text);
    // The tail is whole again: the last group of pictures has its own key frame.
    Run whole = run_file(in_folder("front.mp4"));
    assert_int_equal(run.hashes[run.count - 1], whole.hashes[whole.count - 1]);
    free_run(&run);
    free_run(&whole);
}

// A stream whose every packet is noise.
static void test_undecodable(void **state)
{
    (void)state;
    shell(
        "cp front.mp4 dead.mp4 && S=$(stat -c %%s dead.mp4) && P=$(grep -abo mdat dead.mp4 | head -1 | cut -d: -f1) && "
        "head -c $((S - P - 4)) /dev/zero | tr '\\000' '\\377' | dd of=dead.mp4 bs=4096 oflag=seek_bytes "
        "seek=$((P + 4)) conv=notrunc status=none");
    assert_refused(in_folder("dead.mp4"), TL_EFORMAT, "decoded");
}

static void test_sizes(void **state)
{
    (void)state;
    shell("ffmpeg -v error -f lavfi -i color=s=14x64:d=0.1 -pix_fmt yuv420p -c:v mpeg4 thin.mp4 && "
          "ffmpeg -v error -f lavfi -i color=s=64x8 -frames:v 1 flat.png && "
          "ffmpeg -v error -f lavfi -i color=s=16400x32 -frames:v 1 long.png && "
          "ffmpeg -v error -f lavfi -i color=gray:s=9000x9000 -frames:v 1 -pix_fmt monob huge.png && "
          "ffmpeg -v error -f lavfi -i color=s=20000x64 -frames:v 1 -c:v ffv1 long.mkv");
    assert_refused(in_folder("thin.mp4"), TL_ELIMIT, "14x64");
    assert_refused(in_folder("flat.png"), TL_ELIMIT, "64x8");
    assert_refused(in_folder("long.png"), TL_ELIMIT, "large");
    assert_refused(in_folder("huge.png"), TL_ELIMIT, "large");
    assert_refused(in_folder("long.mkv"), TL_ELIMIT, "20000x64");
}

static void test_denied(void **state)
{
    (void)state;
    shell(
        "cp front.mp4 secret.mp4 && chmod 000 secret.mp4 && mkdir -p closed && cp front.mp4 closed/ && chmod 711 . && "
        "chmod 000 closed");
    uid_t user = geteuid();
    // The superuser may read everything.
    if (user == 0 && seteuid(65534) != 0)
        skip();
    assert_refused(in_folder("secret.mp4"), TL_EDENIED, "ermission");
    assert_refused(in_folder("closed"), TL_EDENIED, "ermission");
    assert_int_equal(user == 0 ? seteuid(0) : 0, 0);
    shell("chmod 755 closed");
}

// Nobody listens on the port: an answer within seconds, not minutes.
static void test_unreachable(void **state)
{
    time_t start = time(NULL);

    (void)state;
    assert_refused("http://127.0.0.1:9/clip.mp4", TL_ENET, "cannot fetch");
    assert_refused("http://name.invalid/clip.mp4", TL_ENET, "cannot fetch");
    assert_true(time(NULL) - start < 60);
}

// A picture that cannot be read within a folder keeps its number; when none can be read it is an error.
static void test_folder_with_a_broken_picture(void **state)
{
    (void)state;
    shell("mkdir some && ffmpeg -v error -f lavfi -i testsrc=s=64x48:d=0.2 some/%%d.png && echo broken > some/3.png");
    Run run = run_file(in_folder("some"));
    assert_int_equal(run.end, TL_EOF);
    assert_int_equal(run.count, 5);
    assert_int_equal(run.decoded, 4);
    assert_true(run.in_order && !run.hashes[2] && run.hashes[3]);
    free_run(&run);
    shell("for I in 1 2 3 4 5; do echo broken > some/$I.png; done");
    assert_refused(in_folder("some"), TL_EFORMAT, "some/5.png");
}

static int g_debug_lines, g_other_lines;

static void count_lines(void *opaque, int level, const char *line)
{
    (void)opaque;
    (void)line;
    *(level == TL_LOG_DEBUG ? &g_debug_lines : &g_other_lines) += 1;
}

// libav complains about damage; on standard error nothing appears, and in our log only at the lowest level.
static void test_libav_is_silent(void **state)
{
    int saved = dup(STDERR_FILENO), quiet = open(in_folder("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat status;

    (void)state;
    shell("head -c 40000 front.mp4 > noisy.mp4");
    dup2(quiet, STDERR_FILENO);
    tl_log_set(count_lines, NULL, TL_LOG_DEBUG);
    Run run = run_file(in_folder("noisy.mp4"));
    tl_log_set(NULL, NULL, TL_LOG_ERROR);
    dup2(saved, STDERR_FILENO);
    assert_int_equal(fstat(quiet, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_true(g_debug_lines > 0);
    assert_int_equal(g_other_lines, 0);
    close(saved);
    close(quiet);
    free_run(&run);
}

// Every prefix of a small file, and random damage of it: any code is fine, a crash or an endless loop is not.
static void test_mutations(void **state)
{
    static const char *const names[] = {"tiny.mp4", "tiny.ts", "tiny.mkv", "tiny.png", "tiny.jpg"};
    uint32_t seed = 1;

    (void)state;
    shell(
        "for F in tiny.mp4 tiny.ts tiny.mkv; do ffmpeg -v error -f lavfi -i testsrc=s=32x32:d=0.4 -pix_fmt yuv420p $F; "
        "done; for F in tiny.png tiny.jpg; do ffmpeg -v error -f lavfi -i testsrc=s=32x32 -frames:v 1 $F; done");
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        uint8_t data[65536], copy[65536];
        FILE *file = fopen(in_folder(names[n]), "rb");
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        for (int round = 0; round < 60; round++) {
            size_t length = round % 2 ? size : size * (size_t)round / 60;
            memcpy(copy, data, size);
            for (int k = 0; k < round / 4; k++) {
                seed = seed * 1664525 + 1013904223;
                copy[(seed >> 8) % size] = (uint8_t)(seed >> 24);
            }
            file = fopen(in_folder("mutant"), "wb");
            fwrite(copy, 1, length, file);
            fclose(file);
            Run run = run_params(&(TlReaderParams){.input = in_folder("mutant"), .threads = 1 + round % 2, .end = 100});
            assert_true(run.open_ret <= 0 && run.end <= 0);
            free_run(&run);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_empty_pipe),
        cmocka_unit_test(test_not_a_video),
        cmocka_unit_test(test_no_video_stream),
        cmocka_unit_test(test_cover_picture),
        cmocka_unit_test(test_no_frame),
        cmocka_unit_test(test_cut_index),
        cmocka_unit_test(test_cut_data),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_cut_behind_the_last_picture),
        cmocka_unit_test(test_cut_before_data),
        cmocka_unit_test(test_cut_transport_stream),
        cmocka_unit_test(test_damage_in_the_middle),
        cmocka_unit_test(test_undecodable),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_denied),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_folder_with_a_broken_picture),
        cmocka_unit_test(test_libav_is_silent),
        cmocka_unit_test(test_mutations),
    };

    need_ffmpeg();
    return cmocka_run_group_tests(tests, make_inputs, remove_folder);
}
