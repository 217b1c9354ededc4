// The presets. The figures are those that the original miner's documents name for these cards and goals; on a processor
// the networks shipped here know best themselves.
#include <string.h>

#include "presets.h"

const TlPreset tl_presets[] = {
    {"4090", "NVIDIA RTX 4090", 64, 640, 2},
    {"3080", "NVIDIA RTX 3080", 16, 640, 2},
    {"5070ti", "NVIDIA RTX 5070 Ti", 32, 640, 2},
    {"max-speed", "a GPU, speed above all", 64, 512, 3},
    {"balanced", "a GPU, between the two", 32, 640, 2},
    {"accurate", "a GPU, every frame at a larger size", 32, 800, 1},
    {"cpu", "a processor: everything auto", 0, 0, 0},
    {NULL, NULL, 0, 0, 0},
};

int tl_preset_apply(const char *name, TlOptions *options, TlDiag *diag)
{
    if (!name[0] || !strcmp(name, "none"))
        return TL_OK;
    for (const TlPreset *p = tl_presets; p->name; p++) {
        if (strcmp(name, p->name) != 0)
            continue;
        if (!options->batch_size)
            options->batch_size = p->batch_size;
        if (!options->img_size)
            options->img_size = p->img_size;
        if (!options->frame_stride)
            options->frame_stride = p->frame_stride;
        return TL_OK;
    }
    return tl_fail(diag, TL_EUSAGE, "unknown preset '%s'", name);
}

void tl_service_defaults(TlOptions *options)
{
    if (options->key_rate <= 0)
        options->key_rate = 5;
    if (options->disable_tracking && !options->frame_stride)
        options->frame_stride = 1; // nothing is filled in, so only a frame that the networks see has objects
}
