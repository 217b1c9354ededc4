// Named sets of the three settings that decide speed: for --preset of `serve` and `diagnose` and the settings
// template, from one table.
#ifndef TL_APP_PRESETS_H
#define TL_APP_PRESETS_H

#include <touchline/options.h>

typedef struct TlPreset {
    const char *name, *text;                ///< "4090", what it is for
    int batch_size, img_size, frame_stride; ///< 0 = auto
} TlPreset;

enum { TL_SERVICE_BUDGET_S = 8 }; // the seed's

extern const TlPreset tl_presets[];                                               ///< ended by a NULL name
#define TL_PRESET_CHOICES "none|4090|3080|5070ti|max-speed|balanced|accurate|cpu" // the names, for the option's row

// Fills in batch size, image size and stride where they are still auto, so that whatever was set by hand stays. "none"
// changes nothing. TL_EUSAGE for an unknown name.
TL_NODISCARD int tl_preset_apply(const char *name, TlOptions *options, TlDiag *diag);

// What a miner has in place of auto: fewer key frames, for a second less is worth more here than a ball seen in every
// other frame.
void tl_service_defaults(TlOptions *options);

#endif
