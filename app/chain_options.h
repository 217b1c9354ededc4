// Rows of option tables that several commands have: the wallet and the chain, in btcli's spelling.
#ifndef TL_APP_CHAIN_OPTIONS_H
#define TL_APP_CHAIN_OPTIONS_H

#include <stddef.h>

#include "chain.h"
#include "command.h"
#include "wallet.h"

// Type, room and place of a text or whole number: `field` of a `kind` that lies at `base` of the command's values.
#define TL_TEXT_AT(base, kind, field)                                                                                  \
    .type = TL_OPTION_STRING, .max = sizeof(((kind *)0)->field) - 1, .offset = (base) + offsetof(kind, field)
#define TL_INT_AT(base, kind, field, low, high)                                                                        \
    .type = TL_OPTION_INT, .min = (low), .max = (high), .offset = (base) + offsetof(kind, field)

// A TlWalletNames at base; section: heading in --help.
#define TL_WALLET_PATH_ROW(base, section)                                                                              \
    {                                                                                                                  \
        .def = {.flag = "wallet.path",                                                                                 \
                .env = "BT_WALLET_PATH",                                                                               \
                .group = (section),                                                                                    \
                .value = "FOLDER",                                                                                     \
                .deflt = "",                                                                                           \
                .help = "folder of the wallets, ~/.bittensor/wallets when empty, or the hotkey file itself",           \
                TL_TEXT_AT(base, TlWalletNames, path)},                                                                \
        .file = 1                                                                                                      \
    }
#define TL_WALLET_NAME_ROW(base, section, variable, none, text)                                                        \
    {                                                                                                                  \
        .def = {                                                                                                       \
            .flag = "wallet.name",                                                                                     \
            .env = (variable),                                                                                         \
            .group = (section),                                                                                        \
            .value = "NAME",                                                                                           \
            .deflt = (none),                                                                                           \
            .help = (text),                                                                                            \
            TL_TEXT_AT(base, TlWalletNames, name)                                                                      \
        }                                                                                                              \
    }
#define TL_WALLET_HOTKEY_ROW(base, section, variable, text)                                                            \
    {                                                                                                                  \
        .def = {                                                                                                       \
            .flag = "wallet.hotkey",                                                                                   \
            .env = (variable),                                                                                         \
            .group = (section),                                                                                        \
            .value = "NAME",                                                                                           \
            .deflt = "default",                                                                                        \
            .help = (text),                                                                                            \
            TL_TEXT_AT(base, TlWalletNames, hotkey)                                                                    \
        }                                                                                                              \
    }

// A TlChainNames at base: three rows.
#define TL_CHAIN_ROWS(base)                                                                                            \
    {.def = {.flag = "netuid",                                                                                         \
             .env = "NETUID",                                                                                          \
             .group = "Chain",                                                                                         \
             .value = "N",                                                                                             \
             .deflt = "44",                                                                                            \
             .help = "subnet: 44 on finney, 261 on test",                                                              \
             TL_INT_AT(base, TlChainNames, netuid, 0, 65535)}},                                                        \
        {.def = {.flag = "subtensor.network",                                                                          \
                 .env = "SUBTENSOR_NETWORK",                                                                           \
                 .group = "Chain",                                                                                     \
                 .value = "NAME",                                                                                      \
                 .deflt = "finney",                                                                                    \
                 .help = "finney, test or local",                                                                      \
                 TL_TEXT_AT(base, TlChainNames, network)}},                                                            \
    {                                                                                                                  \
        .def = {                                                                                                       \
            .flag = "subtensor.address",                                                                               \
            .alias = "subtensor.chain_endpoint",                                                                       \
            .env = "SUBTENSOR_ADDRESS",                                                                                \
            .group = "Chain",                                                                                          \
            .value = "URL",                                                                                            \
            .deflt = "",                                                                                               \
            .help = "endpoint of the chain (ws, wss, http or https); wins over the network's name",                    \
            TL_TEXT_AT(base, TlChainNames, address)                                                                    \
        }                                                                                                              \
    }

#endif
