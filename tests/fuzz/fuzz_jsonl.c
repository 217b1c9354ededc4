// Result files read back.
#include "fuzz.h"
#include "result/reader_jsonl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static TlRecord record;
    TlJsonlReader *reader = NULL;
    TlStreamInfo info;
    TlDiag diag = {0};
    FuzzFile file;
    if (fuzz_file(&file, data, size) < 0)
        return 0;
    int ret = tl_jsonl_open(&reader, file.path, &info, &diag);
    while (ret == TL_OK && (ret = tl_jsonl_next(reader, &record, &diag)) == TL_OK)
        FUZZ_CHECK(record.object_count >= 0 && record.object_count <= TL_OBJECT_MAX);
    FUZZ_CHECK(ret == TL_EOF || diag.text[0]);
    tl_jsonl_close(&reader);
    close(file.fd);
    return 0;
}
