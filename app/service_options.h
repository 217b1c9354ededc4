// Rows of option tables that `serve` and `diagnose` share, so that what is diagnosed is what is served with.
#ifndef TL_APP_SERVICE_OPTIONS_H
#define TL_APP_SERVICE_OPTIONS_H

#include "chain_options.h"
#include "presets.h"

// `field` of a `kind` that lies at `base` of the command's values.
#define TL_PRESET_ROW(base, kind, field)                                                                               \
    {                                                                                                                  \
        .def = {                                                                                                       \
            .flag = "preset",                                                                                          \
            .env = "TOUCHLINE_PRESET",                                                                                 \
            .group = "Service",                                                                                        \
            .value = "NAME",                                                                                           \
            .help = "batch size, image size and stride for a card or a goal, where they are not set otherwise",        \
            .deflt = "none",                                                                                           \
            .choices = TL_PRESET_CHOICES,                                                                              \
            TL_TEXT_AT(base, kind, field)                                                                              \
        }                                                                                                              \
    }
#define TL_DOWNLOAD_WORKERS_ROW(base, kind, field)                                                                     \
    {                                                                                                                  \
        .def = {                                                                                                       \
            .flag = "download-workers",                                                                                \
            .env = "PARALLEL_DOWNLOAD_WORKERS",                                                                        \
            .group = "Service",                                                                                        \
            .value = "N",                                                                                              \
            .help = "most connections of one download",                                                                \
            .deflt = "8",                                                                                              \
            TL_INT_AT(base, kind, field, 1, 16)                                                                        \
        }                                                                                                              \
    }

#endif
