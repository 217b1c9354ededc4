// The stake table: which hotkeys may send challenges, and with how much TAO behind them.
//
// Filled in the background from the chain (chain.h), kept on disk between runs, read inside requests without waiting
// for anything. Thread-safety: all calls safe; the lock inside is a leaf.
#ifndef TL_SERVICE_STAKE_H
#define TL_SERVICE_STAKE_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

enum { TL_STAKE_MAX = 4096 }; // UIDs of a subnet; the chain's own limit is 256

typedef struct TlStake {
    uint8_t key[32];
    double tao; ///< tao_stake: root stake without the children's share, TAO
} TlStake;

typedef struct TlStakeTable TlStakeTable;

TlStakeTable *tl_stake_table_create(void); // empty, age unknown; NULL when out of memory
void tl_stake_table_destroy(TlStakeTable **table);

// Replaces the whole table. at_s: Unix time of the observation. TL_ELIMIT above TL_STAKE_MAX, TL_ENOMEM.
TL_NODISCARD int tl_stake_table_set(TlStakeTable *table, const TlStake *stakes, int count, int64_t at_s);
// Hotkeys of --allow-hotkey: known with unlimited stake, whatever the chain says. TL_ELIMIT beyond 64.
TL_NODISCARD int tl_stake_table_allow(TlStakeTable *table, const uint8_t key[32]);

// 0 and the stake, or TL_ENOENT when the hotkey is not registered.
TL_NODISCARD int tl_stake_table_find(TlStakeTable *table, const uint8_t key[32], double *tao);
int tl_stake_table_count(TlStakeTable *table);
int64_t tl_stake_table_time_s(TlStakeTable *table); // of the last set, 0 = never

// The table as JSON ({"netuid":…,"time":…,"nodes":{"5…":{"tao_stake":…}}}), written whole or not at all.
TL_NODISCARD int tl_stake_table_save(TlStakeTable *table, const char *path, int netuid, TlDiag *diag);
// TL_ENOENT when there is none, TL_EFORMAT when it is damaged or of another subnet.
TL_NODISCARD int tl_stake_table_load(TlStakeTable *table, const char *path, int netuid, TlDiag *diag);

#endif
