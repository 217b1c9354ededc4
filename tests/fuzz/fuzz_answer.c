// A miner's answer read back: the JSON, what is told about it, and the codings it may come in (first byte: which).
#include "answer.h"
#include "challenge.h"
#include "fuzz.h"

static void parse(const char *text, size_t length)
{
    TlAnswer *answer = NULL;
    TlDiag diag = {0};
    TlStrbuf faults = {0};
    if (tl_answer_parse(&answer, text, length, &diag) == TL_OK) {
        tl_answer_check(answer, 5, 320, 180);
        FUZZ_CHECK(answer->frame_count >= 0 && tl_answer_fault_count(&answer->faults) >= 0);
        for (int64_t i = 1; i < answer->frame_count; i++)
            FUZZ_CHECK(answer->frames[i - 1].number < answer->frames[i].number);
        tl_answer_describe(&answer->faults, &faults);
    } else {
        FUZZ_CHECK(!answer && diag.text[0]);
    }
    tl_strbuf_deinit(&faults);
    tl_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *encodings[] = {"", "gzip", "zstd", "deflate"};
    TlStrbuf body = {0};
    TlDiag diag = {0};
    parse((const char *)data, size);
    if (size && tl_challenge_unpack(encodings[data[0] & 3], (const char *)data + 1, size - 1, &body, &diag) == TL_OK)
        parse(body.data ? body.data : "", body.length);
    tl_strbuf_deinit(&body);
    return 0;
}
