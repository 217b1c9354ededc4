// touchline challenge: plays the validator. Sends a signed challenge to a miner, times it and checks the answer.
#include <arpa/inet.h>
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "answer.h"
#include "chain_options.h"
#include "challenge.h"
#include "clip_server.h"
#include "interrupt.h"
#include "same_file.h"
#include "video_facts.h"
#include "wallet_secret.h"

enum { REPEAT_MAX = 1000 };

// The well-known development key //Alice: everybody has it, no validator does.
static const char ALICE_SEED[] = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";

typedef struct ChallengeValues {
    TlWalletNames wallet;
    char to[TL_PATH_SIZE], video[TL_PATH_SIZE], miner_hotkey[64], seed[80], save[TL_PATH_SIZE], id[100];
    int repeat;
    double timeout_s;
} ChallengeValues;

static ChallengeValues g_values;

#define WALLET      offsetof(ChallengeValues, wallet)
#define TEXT(field) TL_TEXT_AT(0, ChallengeValues, field)

static const TlCommandOption g_options[] = {
    {.def = {.flag = "to",
             .group = "Challenge",
             .value = "http://HOST:PORT",
             .deflt = "http://127.0.0.1:7999",
             .help = "the miner",
             TEXT(to)}},
    {.def = {.flag = "video",
             .group = "Challenge",
             .value = "FILE|URL",
             .deflt = "",
             .help = "the clip; a file is served to a miner on this machine, which needs --allow-host 127.0.0.1",
             TEXT(video)},
     .file = 1},
    {.def = {.flag = "miner-hotkey",
             .group = "Challenge",
             .value = "SS58",
             .deflt = "",
             .help = "the miner's address; of the wallet when empty",
             TEXT(miner_hotkey)}},
    {.def = {.flag = "id", .group = "Challenge", .value = "TEXT", .deflt = "1", .help = "challenge_id", TEXT(id)}},
    {.def = {.flag = "repeat",
             .group = "Challenge",
             .value = "N",
             .deflt = "1",
             .help = "how often, one after another",
             TL_INT_AT(0, ChallengeValues, repeat, 1, REPEAT_MAX)}},
    {.def = {.flag = "timeout",
             .group = "Challenge",
             .value = "SECONDS",
             .deflt = "240",
             .help = "for every single wait, as the validator has it",
             .type = TL_OPTION_DOUBLE,
             .min = 0.1,
             .max = 86400,
             .offset = offsetof(ChallengeValues, timeout_s)}},
    {.def = {.flag = "save",
             .group = "Output",
             .value = "FILE",
             .deflt = "",
             .help = "keep the last answer, for touchline score",
             TEXT(save)},
     .file = 1,
     .output = 1},
    {.def = {.flag = "seed",
             .group = "Signature",
             .value = "HEX",
             .deflt = "",
             .help = "sign with this seed; the development key //Alice when there is neither seed nor wallet",
             TEXT(seed)}},
    TL_WALLET_PATH_ROW(WALLET, "Signature"),
    TL_WALLET_NAME_ROW(WALLET, "Signature", NULL, "", "sign with a hotkey of this wallet"),
    TL_WALLET_HOTKEY_ROW(WALLET, "Signature", NULL, "the hotkey"),
    {.def = {.flag = NULL}},
};

static int read_key(TlSr25519Key *key, TlDiag *diag)
{
    const TlWalletParams wallet = tl_wallet_params(&g_values.wallet);
    char address[TL_SS58_SIZE];
    int is_alice = !g_values.seed[0] && !g_values.wallet.name[0];
    int ret = g_values.seed[0] || is_alice
                  ? tl_secret_from_hex(g_values.seed[0] ? g_values.seed : ALICE_SEED, key, diag)
                  : tl_wallet_secret(&wallet, key, diag);
    if (ret < 0)
        return ret;
    tl_ss58_encode(key->public_key, address);
    printf("validator    %s%s\n", address,
           is_alice ? " (the development key //Alice; the miner needs --allow-hotkey for it)" : "");
    return TL_OK;
}

static int find_miner_hotkey(char address[TL_SS58_SIZE], TlDiag *diag)
{
    const TlWalletParams wallet = tl_wallet_params(&g_values.wallet);
    uint8_t key[32];
    if (!g_values.miner_hotkey[0] && tl_wallet_address(&wallet, address, NULL) < 0)
        return tl_fail(diag, TL_EUSAGE, "challenge needs --miner-hotkey SS58, the address that the miner serves as");
    if (g_values.miner_hotkey[0]) {
        if (tl_ss58_decode(g_values.miner_hotkey, key) < 0)
            return tl_fail(diag, TL_EUSAGE, "'%s' is no hotkey address", g_values.miner_hotkey);
        tl_ss58_encode(key, address);
    }
    printf("miner        %s at %s\n", address, g_values.to);
    return TL_OK;
}

static int is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

// Only a miner on this machine can fetch from our loopback address.
static int is_here(const char *to)
{
    const char *host = strstr(to, "://");
    host = host ? host + 3 : to;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 || strncmp(host, "[::1]", 5) == 0;
}

static const char *tier(double seconds)
{
    return seconds < 2    ? "top"
           : seconds < 5  ? "excellent"
           : seconds < 10 ? "average"
           : seconds < 15 ? "not competitive"
                          : "worth nothing: speed scores 0 from 15 s on";
}

static void print_error(const TlChallengeReply *reply, int from_here)
{
    printf("verdict      refused with HTTP %d: %.400s\n", reply->status, reply->body.length ? reply->body.data : "");
    if (from_here && reply->body.length && strstr(reply->body.data, "private"))
        printf("             start the miner with --allow-host 127.0.0.1 so that it may fetch from this machine\n");
    else if (reply->status == 403)
        printf("             start the miner with --allow-hotkey and the validator's address above\n");
}

// 1 when the answer is what the protocol asks for.
static int print_verdict(const TlChallengeReply *reply, const TlVideoFacts *video, int from_here)
{
    TlAnswer *answer = NULL;
    TlStrbuf text = {0};
    TlDiag diag = {0};
    printf("times        connect %.3f s, first byte %.3f s, total %.3f s\n", reply->connect_s, reply->first_byte_s,
           reply->total_s);
    printf("answer       HTTP %d, %zu bytes%s%s, %zu unpacked\n", reply->status, reply->wire_bytes,
           reply->encoding[0] ? " of " : "", reply->encoding, reply->body.length);
    if (reply->status / 100 != 2) {
        print_error(reply, from_here);
        return 0;
    }
    if (tl_answer_parse(&answer, reply->body.length ? reply->body.data : "", reply->body.length, &diag) < 0) {
        printf("verdict      not an answer: %s\n", diag.text);
        return 0;
    }
    tl_answer_check(answer, video->frames, video->width, video->height);
    tl_answer_describe(&answer->faults, &text);
    int64_t faults = tl_answer_fault_count(&answer->faults);
    printf("frames       %lld%s, %lld object%s\n", (long long)answer->frame_count,
           video->frames ? "" : " (the video's length is not known)", (long long)answer->object_count,
           answer->object_count == 1 ? "" : "s");
    if (text.length)
        printf("%s", text.data);
    printf("verdict      %s; tier: %s\n", faults ? "FAULTY" : "valid", tier(reply->total_s));
    tl_strbuf_deinit(&text);
    tl_answer_free(&answer);
    return faults == 0;
}

static int save_answer(const TlChallengeReply *reply, TlDiag *diag)
{
    FILE *file = g_values.save[0] && reply->body.length ? fopen(g_values.save, "we") : NULL;
    if (!g_values.save[0] || !reply->body.length)
        return TL_OK;
    if (!file)
        return tl_fail(diag, TL_EIO, "cannot write '%s'", g_values.save);
    fwrite(reply->body.data, 1, reply->body.length, file);
    int bad = ferror(file);
    return fclose(file) || bad ? tl_fail(diag, TL_ENOSPC, "'%s' could not be written whole", g_values.save) : TL_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int play(const TlChallengeParams *params, const TlVideoFacts *video, int from_here, TlDiag *diag)
{
    static double seconds[REPEAT_MAX];
    TlChallengeReply reply = {0};
    int good = 0, done = 0, ret = TL_OK;
    for (; done < g_values.repeat && ret == TL_OK && !tl_interrupted(); done++) {
        if ((ret = tl_challenge_send(params, &reply, diag)) < 0)
            break;
        seconds[done] = reply.total_s;
        good += print_verdict(&reply, video, from_here);
        fflush(stdout);
        ret = save_answer(&reply, diag);
    }
    tl_challenge_reply_deinit(&reply);
    if (ret == TL_OK && tl_interrupted())
        ret = tl_fail(diag, TL_EINTERRUPTED, "interrupted after %d of %d challenge%s", done, g_values.repeat,
                      g_values.repeat == 1 ? "" : "s");
    if (ret < 0)
        return ret;
    qsort(seconds, (size_t)done, sizeof *seconds, ascending);
    if (done > 1)
        printf("all          %d of %d valid; fastest %.3f s, median %.3f s, slowest %.3f s\n", good, done, seconds[0],
               seconds[done / 2], seconds[done - 1]);
    if (good == done)
        return TL_OK;
    return done == 1 ? tl_fail(diag, TL_EFORMAT, "the answer was not valid")
                     : tl_fail(diag, TL_EFORMAT, "%d of %d answers were not valid", done - good, done);
}

static int run_with_video(const TlChallengeParams *params, int from_here, TlDiag *diag)
{
    TlVideoFacts video = {0};
    if (from_here) {
        int ret = tl_video_facts(g_values.video, &video, diag);
        if (ret < 0)
            return ret;
        printf("video        %s: %lld frame%s of %dx%d, served at %s\n", g_values.video, (long long)video.frames,
               video.frames == 1 ? "" : "s", video.width, video.height, params->video_url);
    } else {
        printf("video        %s\n", params->video_url);
    }
    fflush(stdout);
    return play(params, &video, from_here, diag);
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    TlSr25519Key key;
    TlClipServer *server = NULL;
    char miner[TL_SS58_SIZE];
    const int from_here = !is_url(g_values.video);
    (void)line;
    if (!g_values.video[0])
        return tl_fail(diag, TL_EUSAGE, "challenge needs --video FILE or URL");
    if (from_here && !is_here(g_values.to))
        return tl_fail(diag, TL_EUSAGE, "a miner on another machine cannot fetch '%s': give a URL", g_values.video);
    int ret = g_values.save[0] ? tl_keep_input(g_values.save, g_values.video, "--save", diag) : TL_OK;
    if (ret == TL_OK)
        ret = tl_sr25519_init();
    if (ret == TL_OK)
        ret = read_key(&key, diag);
    if (ret == TL_OK)
        ret = find_miner_hotkey(miner, diag);
    if (ret == TL_OK && from_here)
        ret = tl_clip_server_open(&server, g_values.video, diag);
    if (ret < 0)
        return ret;
    const TlChallengeParams params = {.to = g_values.to,
                                      .video_url = server ? tl_clip_server_url(server) : g_values.video,
                                      .challenge_id = g_values.id,
                                      .miner_hotkey = miner,
                                      .key = &key,
                                      .timeout_s = g_values.timeout_s,
                                      .cancel = tl_interrupt_flag()};
    ret = run_with_video(&params, from_here, diag);
    tl_clip_server_close(&server);
    sodium_memzero(&key, sizeof key);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline challenge --video clip.mp4 --miner-hotkey 5F…", "a miner on this machine, port 7999"},
    {"touchline challenge --to http://HOST:7999 --video https://HOST/clip.mp4 --miner-hotkey 5F… --repeat 5",
     "another machine's, five times"},
    {"touchline challenge --video clip.mp4 --miner-hotkey 5F… --save answer.json",
     "keep the answer for touchline score"},
    {NULL, NULL},
};

const TlCommand tl_command_challenge = {
    .name = "challenge",
    .arguments = "",
    .summary = "play the validator: challenge a miner, time and check its answer",
    .description =
        "Sends what a validator of the subnet sends, byte for byte, signed with a test key, and checks the answer: "
        "every "
        "frame there, 32 points each, boxes inside the picture, classes and ids.\nA file is served from this machine, "
        "which a miner refuses unless it runs with --allow-host 127.0.0.1. The exit code is not 0 when an answer is "
        "missing or faulty.",
    .options = g_options,
    .values = &g_values,
    .groups = "",
    .examples = g_examples,
    .run = run,
};
