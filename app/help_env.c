// The commented template of every setting, `.env.performance`, generated from the settings table.
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "presets.h"

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

// Did a command before this one have a setting of that name?
static int seen_before(const TlCommand *command, const char *env)
{
    const TlCommand *other;

    for (int i = 0; (other = tl_command_at(i)) && other != command; i++)
        for (const TlCommandOption *row = other->options; row && row->def.flag; row++)
            if (row->def.env && !strcmp(row->def.env, env))
                return 1;
    return 0;
}

// Settings that belong to one command.
static void put_own(const TlCommand *command)
{
    int first = 1;

    for (const TlCommandOption *row = command->options; row && row->def.flag; row++) {
        if (!row->def.env || seen_before(command, row->def.env))
            continue;
        if (first)
            printf("# --- touchline %s\n\n", command->name);
        first = 0;
        put_setting(&row->def);
    }
}

static void put_preset_value(const char *name, int value)
{
    if (value)
        printf("#%s=%d\n", name, value);
    else
        printf("#%s=auto\n", name);
}

// Presets as blocks to take the # away from.
static void put_presets(void)
{
    fputs("# --- Presets: take the # away from one block, or use `touchline serve --preset NAME`.\n"
          "# Those for GPUs are what the documents of the original miner name; measure yours with touchline bench.\n\n",
          stdout);
    for (const TlPreset *p = tl_presets; p->name; p++) {
        printf("# preset %s: %s\n", p->name, p->text);
        put_preset_value("BATCH_SIZE", p->batch_size);
        put_preset_value("IMG_SIZE", p->img_size);
        put_preset_value("FRAME_STRIDE", p->frame_stride);
        putchar('\n');
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
        "\n",
        stdout);
    put_presets();
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        if (strcmp(group, def->group) != 0)
            printf("# --- %s\n\n", def->group);
        group = def->group;
        put_setting(def);
    }
    for (int i = 0; (command = tl_command_at(i)); i++)
        put_own(command);
}
