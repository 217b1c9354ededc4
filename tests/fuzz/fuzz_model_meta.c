// The metadata of a model file (ONNX or a script).
#include "fuzz.h"
#include "infer/infer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static TlModelMeta meta;
    TlDiag diag = {0};
    FuzzFile file;
    if (fuzz_file(&file, data, size) < 0)
        return 0;
    if (tl_model_meta_read(&meta, file.path, &diag) == TL_OK)
        (void)tl_model_meta_get(&meta, "names");
    else
        FUZZ_CHECK(diag.text[0]);
    close(file.fd);
    return 0;
}
