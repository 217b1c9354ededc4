// The stake table: a sorted array behind a read-write lock; a refresh builds the new one aside and swaps.
#include "stake.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "ss58.h"

enum { ALLOWED_MAX = 64, FUTURE_S = 300 };

struct TlStakeTable {
    pthread_rwlock_t lock;
    TlStake *stakes; ///< sorted by key
    int count;
    int64_t time_s;
    uint8_t allowed[ALLOWED_MAX][32];
    int allowed_count;
};

static int by_key(const void *a, const void *b)
{
    return memcmp(((const TlStake *)a)->key, ((const TlStake *)b)->key, 32);
}

TlStakeTable *tl_stake_table_create(void)
{
    TlStakeTable *table = tl_calloc(1, sizeof *table);
    if (table)
        pthread_rwlock_init(&table->lock, NULL);
    return table;
}

void tl_stake_table_destroy(TlStakeTable **table)
{
    if (!*table)
        return;
    tl_free(&(*table)->stakes);
    pthread_rwlock_destroy(&(*table)->lock);
    tl_free(table);
}

int tl_stake_table_set(TlStakeTable *table, const TlStake *stakes, int count, int64_t at_s)
{
    if (count < 0 || count > TL_STAKE_MAX)
        return TL_ELIMIT;
    TlStake *fresh = tl_calloc((size_t)count + 1, sizeof *fresh);
    if (!fresh)
        return TL_ENOMEM;
    if (count)
        memcpy(fresh, stakes, (size_t)count * sizeof *fresh);
    qsort(fresh, (size_t)count, sizeof *fresh, by_key);
    pthread_rwlock_wrlock(&table->lock);
    TlStake *old = table->stakes;
    table->stakes = fresh;
    table->count = count;
    table->time_s = at_s;
    pthread_rwlock_unlock(&table->lock);
    tl_free(&old);
    return TL_OK;
}

int tl_stake_table_allow(TlStakeTable *table, const uint8_t key[32])
{
    pthread_rwlock_wrlock(&table->lock);
    int room = table->allowed_count < ALLOWED_MAX;
    if (room)
        memcpy(table->allowed[table->allowed_count++], key, 32);
    pthread_rwlock_unlock(&table->lock);
    return room ? TL_OK : TL_ELIMIT;
}

int tl_stake_table_find(TlStakeTable *table, const uint8_t key[32], double *tao)
{
    TlStake wanted = {0};
    int ret = TL_ENOENT;
    memcpy(wanted.key, key, 32);
    pthread_rwlock_rdlock(&table->lock);
    for (int i = 0; i < table->allowed_count; i++) {
        if (memcmp(table->allowed[i], key, 32) == 0) {
            *tao = HUGE_VAL;
            ret = TL_OK;
        }
    }
    const TlStake *found = ret == TL_OK || !table->count
                               ? NULL
                               : bsearch(&wanted, table->stakes, (size_t)table->count, sizeof wanted, by_key);
    if (found) {
        *tao = found->tao;
        ret = TL_OK;
    }
    pthread_rwlock_unlock(&table->lock);
    return ret;
}

int tl_stake_table_count(TlStakeTable *table)
{
    pthread_rwlock_rdlock(&table->lock);
    int count = table->count + table->allowed_count;
    pthread_rwlock_unlock(&table->lock);
    return count;
}

int64_t tl_stake_table_time_s(TlStakeTable *table)
{
    pthread_rwlock_rdlock(&table->lock);
    int64_t time_s = table->time_s;
    pthread_rwlock_unlock(&table->lock);
    return time_s;
}

static json_t *to_json(TlStakeTable *table, int netuid)
{
    json_t *nodes = json_object();
    pthread_rwlock_rdlock(&table->lock);
    for (int i = 0; i < table->count; i++) {
        char address[TL_SS58_SIZE];
        tl_ss58_encode(table->stakes[i].key, address);
        json_object_set_new(nodes, address, json_pack("{s:f}", "tao_stake", table->stakes[i].tao));
    }
    json_int_t time_s = table->time_s;
    pthread_rwlock_unlock(&table->lock);
    return json_pack("{s:i, s:I, s:o}", "netuid", netuid, "time", time_s, "nodes", nodes);
}

int tl_stake_table_save(TlStakeTable *table, const char *path, int netuid, TlDiag *diag)
{
    TlOutfile *file = NULL;
    json_t *root = to_json(table, netuid);
    if (!root)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the stake table");
    int ret = tl_outfile_open(&file, path, 1, diag);
    if (ret == TL_OK) {
        if (json_dumpf(root, tl_outfile_stream(file), JSON_INDENT(1)) == 0) {
            ret = tl_outfile_commit(&file, diag);
        } else {
            tl_outfile_abort(&file);
            ret = tl_fail(diag, TL_EIO, "the stake table cannot be written to '%s'", path);
        }
    }
    json_decref(root);
    return ret;
}

static int from_json(TlStakeTable *table, const json_t *root, int netuid)
{
    const json_t *nodes = json_object_get(root, "nodes");
    json_int_t time_s = json_integer_value(json_object_get(root, "time"));
    size_t count = json_object_size(nodes);
    // One from the future would never be told to be old.
    if (!json_is_object(nodes) || count > TL_STAKE_MAX || time_s <= 0 || time_s > (json_int_t)time(NULL) + FUTURE_S ||
        json_integer_value(json_object_get(root, "netuid")) != netuid)
        return TL_EFORMAT;
    TlStake *stakes = tl_calloc(count + 1, sizeof *stakes);
    int n = 0, ret = stakes ? TL_OK : TL_ENOMEM;
    const char *address;
    json_t *node;
    json_object_foreach((json_t *)(uintptr_t)nodes, address, node)
    {
        const json_t *tao = json_object_get(node, "tao_stake");
        if (ret < 0 || !json_is_number(tao) || tl_ss58_decode(address, stakes[n].key) < 0) {
            ret = ret < 0 ? ret : TL_EFORMAT;
            break;
        }
        stakes[n++].tao = json_number_value(tao);
    }
    if (ret == TL_OK)
        ret = tl_stake_table_set(table, stakes, n, time_s);
    tl_free(&stakes);
    return ret;
}

int tl_stake_table_load(TlStakeTable *table, const char *path, int netuid, TlDiag *diag)
{
    json_error_t error;
    if (access(path, R_OK) != 0)
        return tl_fail(diag, TL_ENOENT, "there is no stake table at '%s'", path);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    int ret = root ? from_json(table, root, netuid) : TL_EFORMAT;
    json_decref(root);
    return ret < 0 ? tl_fail(diag, ret, "the stake table '%s' is damaged or of another subnet", path) : TL_OK;
}
