// The commented template of every setting, `.env.performance`, generated from the settings table.
#include <stdio.h>
#include <string.h>

#include "command.h"

// Sets of values that the original system's documents name: batch size, longer side, stride.
static const struct {
    const char *name;
    int batch, size, stride;
} g_presets[] = {
    {"RTX 5070 Ti", 32, 640, 2}, {"RTX 4090", 64, 640, 2}, {"RTX 3080", 16, 640, 2},
    {"max speed", 64, 512, 3},   {"balanced", 32, 640, 2}, {"high accuracy", 32, 800, 1},
};

static void put_comment(const char *text)
{
    int at = 0;

    for (; *text; text++) {
        int length = (int)strcspn(text, " ");
        if (!at || at + length > 96) {
            fputs(at ? "\n#" : "#", stdout);
            at = 1;
        }
        printf(" %.*s", length, text);
        at += length + 1;
        text += length;
        if (!*text)
            break;
    }
    putchar('\n');
}

static void put_setting(const TlOptionDef *def)
{
    char range[160], text[1024];

    tl_help_range(def, range, sizeof range);
    snprintf(text, sizeof text, "%s%s%s%s (--%s)", def->help, range[0] ? " [" : "", range, range[0] ? "]" : "",
             def->flag);
    put_comment(text);
    printf("#%s=%s\n\n", def->env, def->deflt ? def->deflt : "");
}

// Settings that belong to one command.
static void put_own(const TlCommand *command)
{
    int first = 1;

    for (const TlCommandOption *row = command->options; row && row->def.flag; row++) {
        if (!row->def.env)
            continue;
        if (first)
            printf("# --- touchline %s\n\n", command->name);
        first = 0;
        put_setting(&row->def);
    }
}

void tl_help_env(void)
{
    const TlCommand *command;
    const char *group = "";

    fputs(
        "# Settings of touchline, NAME=value. A line without the leading # counts; the values shown are the defaults.\n"
        "# Read with --config FILE or TOUCHLINE_CONFIG=FILE; the environment wins over the file, flags win over both.\n"
        "# Made by `touchline help --env` from the table that parses the settings.\n"
        "#\n"
        "# Presets for machines with a GPU (BATCH_SIZE / IMG_SIZE / FRAME_STRIDE). On a CPU leave all three at auto:\n"
        "# the networks shipped here are made for it.\n",
        stdout);
    for (size_t i = 0; i < sizeof g_presets / sizeof *g_presets; i++)
        printf("#   %-14s BATCH_SIZE=%d IMG_SIZE=%d FRAME_STRIDE=%d\n", g_presets[i].name, g_presets[i].batch,
               g_presets[i].size, g_presets[i].stride);
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        if (strcmp(group, def->group) != 0)
            printf("%s# --- %s\n\n", group[0] ? "" : "\n", def->group);
        group = def->group;
        put_setting(def);
    }
    for (int i = 0; (command = tl_command_at(i)); i++)
        put_own(command);
}
