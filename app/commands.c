// The list of subcommands, in the order of the overview.
#include <limits.h>
#include <string.h>

#include "command.h"

static const TlCommand *const g_commands[] = {
    &tl_command_process,   &tl_command_detect, &tl_command_synth,    &tl_command_serve, &tl_command_register,
    &tl_command_challenge, &tl_command_score,  &tl_command_diagnose, &tl_command_bench, &tl_command_eval,
    &tl_command_models,    &tl_command_doctor, &tl_command_version,  &tl_command_help,
};

enum { COMMAND_COUNT = sizeof g_commands / sizeof(const TlCommand *) };

const TlCommand *tl_command_at(int i)
{
    return i >= 0 && i < COMMAND_COUNT ? g_commands[i] : NULL;
}

const TlCommand *tl_command_find(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(name, g_commands[i]->name))
            return g_commands[i];
    return NULL;
}

const char *tl_command_near(const char *name)
{
    const char *best = NULL;
    int best_distance = 3;

    for (int i = 0; i < COMMAND_COUNT; i++) {
        int distance = tl_option_distance(name, g_commands[i]->name);
        if (distance < best_distance) {
            best_distance = distance;
            best = g_commands[i]->name;
        }
    }
    return best;
}
