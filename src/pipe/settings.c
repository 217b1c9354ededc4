// Settings that depend on the machine or on the stream: shipped models and key frames.
#include "pipe/settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

// Key frames that a second of football needs: at 12.5 per second a sprinting player moves about his own width.
static const double KEY_FRAMES_PER_S = 12.5;
// Cameras that a second needs: between two that are a quarter of a second apart the camera is filled to some cm.
static const double CAMERAS_PER_S = 4;

static int parse_index(const char *text, size_t length, int64_t *value)
{
    char digits[24];
    if (length == 0 || length >= sizeof digits || strspn(text, "0123456789") < length)
        return -1;
    memcpy(digits, text, length);
    digits[length] = 0;
    errno = 0;
    *value = strtoll(digits, NULL, 10);
    return errno ? -1 : 0;
}

int tl_plan_range(TlPlan *plan, const char *frames, TlDiag *diag)
{
    plan->first = plan->end = 0;
    if (!frames[0])
        return TL_OK;
    const char *colon = strchr(frames, ':');
    if (!colon || (colon > frames && parse_index(frames, (size_t)(colon - frames), &plan->first) < 0) ||
        (colon[1] && parse_index(colon + 1, strlen(colon + 1), &plan->end) < 0))
        return tl_fail(diag, TL_EUSAGE, "--frames takes A:B (from frame A up to but without B), not '%s'", frames);
    if (colon[1] && plan->end <= plan->first)
        return tl_fail(diag, TL_EUSAGE, "--frames %s holds no frame", frames);
    return TL_OK;
}

void tl_plan_resolve(TlPlan *plan, const TlOptions *options, const TlStreamInfo *info)
{
    double fps = info->fps > 0 ? info->fps : 25, rate = options->key_rate > 0 ? options->key_rate : KEY_FRAMES_PER_S;
    plan->stride = options->fast_mode ? 3 : options->frame_stride;
    if (plan->stride <= 0 && strcmp(options->quality, "high") == 0)
        plan->stride = 1;
    if (plan->stride <= 0)
        plan->stride = (int)fmin(fmax(1.0, floor(fps / rate + 0.5)), 1000);
    plan->pitch_stride = options->pitch_stride;
    if (plan->pitch_stride <= 0)
        plan->pitch_stride = (int)fmin(fmax(1.0, floor(fps / plan->stride / CAMERAS_PER_S)), 1000);
    plan->last_estimate = info->frame_count_estimate > 0 ? info->frame_count_estimate - 1 : -1;
    if (plan->end > 0 && (plan->last_estimate < 0 || plan->end - 1 < plan->last_estimate))
        plan->last_estimate = plan->end - 1;
}

int tl_plan_is_key(const TlPlan *plan, int64_t frame)
{
    return (frame - plan->first) % plan->stride == 0 || frame == plan->last_estimate;
}

void tl_cache_dir(const TlOptions *options, char *path, size_t size)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    path[0] = 0;
    if (options->cache_dir[0])
        (void)tl_strcpy(path, size, options->cache_dir);
    else if (xdg && xdg[0] == '/')
        snprintf(path, size, "%s/touchline", xdg);
    else if (home && home[0] == '/')
        snprintf(path, size, "%s/.cache/touchline", home);
}

// Folder of the running program, empty when it cannot be told.
static void program_folder(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    path[n > 0 ? n : 0] = 0;
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
}

int tl_model_path(const char *name, char *path, size_t size, TlDiag *diag)
{
    char program[TL_PATH_SIZE], beside[TL_PATH_SIZE + 64];
    program_folder(program, sizeof program);
    snprintf(beside, sizeof beside, "%s/../share/touchline/models", program);
    const char *chosen = getenv("TOUCHLINE_MODELS");
    // A program in its build folder belongs to the sources around it, whatever is installed elsewhere.
    int built_here = strncmp(program, TL_BUILD_FOLDER, sizeof TL_BUILD_FOLDER - 1) == 0;
    const char *folders[] = {built_here ? TL_SOURCE_MODELS : beside, built_here ? beside : TL_INSTALLED_MODELS};
    if (chosen && chosen[0]) { // who names a folder does not want another one's networks
        int n = snprintf(path, size, "%s/%s", chosen, name);
        if (n > 0 && (size_t)n < size && access(path, R_OK) == 0)
            return TL_OK;
        path[0] = 0;
        return tl_fail(diag, TL_EMODEL, "there is no network %s in '%s', the folder that TOUCHLINE_MODELS names", name,
                       chosen);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int n = snprintf(path, size, "%s/%s", folders[i], name);
        if (n > 0 && (size_t)n < size && access(path, R_OK) == 0)
            return TL_OK;
    }
    path[0] = 0;
    return tl_fail(diag, TL_EMODEL, "the shipped network %s was not found; set TOUCHLINE_MODELS to its folder", name);
}
