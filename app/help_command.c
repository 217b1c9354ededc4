// touchline help: overview, help of a command, and the generated documents.
#include <stdio.h>
#include <string.h>

#include "command.h"

typedef struct HelpValues {
    int man, env;
    char completion[16];
} HelpValues;

static HelpValues g_values;

static const TlCommandOption g_options[] = {
    {.def = {.flag = "man",
             .group = "Documents",
             .deflt = "0",
             .help = "the manual page, as roff source",
             .type = TL_OPTION_BOOL,
             .max = 1,
             .offset = offsetof(HelpValues, man)}},
    {.def = {.flag = "completion",
             .group = "Documents",
             .value = "SHELL",
             .deflt = "",
             .help = "the completion script of bash, zsh or fish",
             .type = TL_OPTION_STRING,
             .max = 15,
             .offset = offsetof(HelpValues, completion)},
     .words = "bash|zsh|fish"},
    {.def = {.flag = "env",
             .group = "Documents",
             .deflt = "0",
             .help = "a commented template of every setting, with presets",
             .type = TL_OPTION_BOOL,
             .max = 1,
             .offset = offsetof(HelpValues, env)}},
    {.def = {.flag = NULL}},
};

static int run(const TlCommandLine *line, TlDiag *diag)
{
    if (g_values.man)
        tl_help_man();
    else if (g_values.env)
        tl_help_env();
    else if (g_values.completion[0])
        return tl_help_completion(g_values.completion, diag);
    else if (!line->arguments.count)
        tl_help_overview();
    else {
        const char *name = line->arguments.item[0];
        const TlCommand *command = tl_command_find(name);
        const char *hint = tl_command_near(name);
        if (!command)
            return hint ? tl_fail(diag, TL_EUSAGE, "unknown command '%s'; did you mean '%s'?", name, hint)
                        : tl_fail(diag, TL_EUSAGE, "unknown command '%s'; 'touchline help' lists them", name);
        tl_help_command(command);
    }
    return TL_OK;
}

static const TlExample g_examples[] = {
    {"touchline help process", "the options of process"},
    {"touchline help --man | man -l -", "read the manual page"},
    {"source <(touchline help --completion bash)", "complete options in this shell"},
    {"touchline help --env > .env.performance", "a template to edit"},
    {NULL, NULL},
};

const TlCommand tl_command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "this overview, the manual page, completions, a settings template",
    .description = "Without a command: the overview. All texts are generated from the same tables that parse the "
                   "options.",
    .options = g_options,
    .values = &g_values,
    .examples = g_examples,
    .max_arguments = 1,
    .run = run,
};
