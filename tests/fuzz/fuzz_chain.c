// The chain's reply: as JSON text, and as the bytes of a metagraph; and what is read back from the disk.
#include <string.h>

#include "base/mem.h"
#include "chain.h"
#include "fuzz.h"
#include "sr25519.h"

static void decode(const uint8_t *bytes, size_t length)
{
    static TlStake stakes[TL_STAKE_MAX];
    TlDiag diag = {0};
    int count = -1, ret = tl_chain_decode_stakes(bytes, length, 44, stakes, &count, &diag);
    FUZZ_CHECK(count >= 0 && count <= TL_STAKE_MAX);
    FUZZ_CHECK(ret == TL_OK || (count == 0 && diag.text[0]));
    for (int i = 0; i < count; i++)
        FUZZ_CHECK(stakes[i].tao >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    TlDiag diag = {0};
    FuzzFile file;
    FUZZ_CHECK(tl_sr25519_init() == 0);
    decode(data, size);
    if (tl_chain_result_bytes((const char *)data, size, &bytes, &length, &diag) == TL_OK)
        decode(bytes, length);
    tl_free(&bytes);
    if (fuzz_file(&file, data, size) == 0) {
        TlStakeTable *table = tl_stake_table_create();
        (void)!tl_stake_table_load(table, file.path, 44, &diag);
        FUZZ_CHECK(tl_stake_table_count(table) <= TL_STAKE_MAX);
        tl_stake_table_destroy(&table);
        close(file.fd);
    }
    return 0;
}
