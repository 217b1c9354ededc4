// `touchline serve`: the miner as a process, from settings to clean stop.
#ifndef TL_SERVICE_SERVE_H
#define TL_SERVICE_SERVE_H

#include <touchline/options.h>

#include "chain.h"
#include "wallet.h"

enum { TL_SERVE_LIST_MAX = 16, TL_SERVE_TEXT = 1024 };

typedef struct TlServeSettings {
    char listen[256]; ///< "0.0.0.0:7999"
    TlWalletNames wallet;
    char hotkey[64]; ///< the miner's own address; empty = from the wallet
    TlChainNames chain;
    double min_stake_tao;           ///< 1000
    int no_chain;                   ///< 1: only allow_hotkey counts; with none, every hotkey with a good signature
    double refresh_s;               ///< stake table, 300
    double stake_age_limit_s;       ///< /readyz and the log complain beyond it, 21600
    char stake_file[TL_SERVE_TEXT]; ///< empty = the user's cache folder
    int queue;                      ///< challenges that may wait, 4
    int refusals;                   ///< of an address in 10 s, that close it for 10 s; 0 = no limit
    int download_workers;           ///< PARALLEL_DOWNLOAD_WORKERS, 8
    int log_json;                   ///< 1: one JSON object a line
    int log_level;                  ///< enum TlLogLevel
    const char *allow_hotkey[TL_SERVE_LIST_MAX]; ///< SS58, ended by NULL
    const char *allow_host[TL_SERVE_LIST_MAX];   ///< ended by NULL
} TlServeSettings;

// Reads settings anew for SIGHUP: fills *options; its errors are logged and the old settings stay. The service's own
// settings (address, wallet, chain) are those of the start.
typedef int TlServeReload(void *opaque, TlOptions *options, TlDiag *diag);

// Serves until SIGTERM or SIGINT, finishes the running challenge and returns TL_OK. A second signal ends the process.
TL_NODISCARD int tl_serve(const TlServeSettings *settings, const TlOptions *options, TlServeReload *reload,
                          void *opaque, TlDiag *diag);

#endif
