// touchline models: the shipped networks, from their own metadata and cards.
#include <stdio.h>
#include <string.h>

#include <touchline/system.h>

#include "command.h"

static void print_model(const TlModelInfo *info)
{
    const char *slash = strrchr(info->path, '/');

    printf("%s\n", slash ? slash + 1 : info->path);
    printf("  %-20s %s\n", "file", info->path);
    printf("  %-20s %.2f MB\n", "size", (double)info->bytes * 1e-6);
    printf("  %-20s %s\n", "sha256", info->sha256);
    printf("  %-20s %s -> %s\n", "tensors", info->input, info->outputs);
    for (int i = 0; i < info->fact_count; i++) {
        const char *key = info->fact[i].key;
        printf("  %-20s %s\n", strncmp(key, "touchline.", 10) ? key : key + 10, info->fact[i].value);
    }
    if (info->card[0])
        printf("  %-20s %s\n", "card", info->card);
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    static TlModelInfo info; // large
    int ret, i = 0;

    (void)line;
    for (; (ret = tl_model_info(i, &info, diag)) == TL_OK; i++) {
        if (i)
            putchar('\n');
        print_model(&info);
    }
    return ret == TL_EOF ? TL_OK : ret;
}

static const TlExample g_examples[] = {
    {"touchline models", "files, sizes, figures and licences"},
    {"TOUCHLINE_MODELS=~/nets touchline models", "those of another folder"},
    {NULL, NULL},
};

const TlCommand tl_command_models = {
    .name = "models",
    .arguments = "",
    .summary = "the networks that are shipped",
    .description =
        "Lists the networks of the models folder with their input, outputs, metadata and what their cards "
        "say: data, licence, figures. The folder is the one that TOUCHLINE_MODELS names; else that of the sources "
        "for a program in its build folder, ../share/touchline/models beside an installed one.",
    .examples = g_examples,
    .run = run,
};
