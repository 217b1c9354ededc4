// touchline version: version and build on standard output.
#include <stdio.h>
#include <string.h>

#include <touchline/session.h>
#include <touchline/system.h>

#include "command.h"

static void print_part(void *opaque, const TlCheck *check)
{
    int wordy = *(const int *)opaque;

    if (!strcmp(check->topic, "version") || (!wordy && !strcmp(check->topic, "processor")))
        return;
    // "openvino: usable, OpenVINO 2026..., processor, precision": the details are for those who ask
    size_t length = strlen(check->text);
    if (!wordy && !strcmp(check->topic, "backend"))
        length = strcspn(check->text, ",");
    printf("%-10s %.*s\n", check->topic, (int)length, check->text);
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    static TlModelInfo model; // large
    int wordy = line->verbose > 0;

    printf("touchline %s\n", tl_version());
    if (line->quiet)
        return TL_OK;
    tl_system_build(print_part, &wordy);
    for (int i = 0; wordy && tl_model_info(i, &model, diag) == TL_OK; i++)
        printf("%-10s %s, sha256 %s\n", "network", model.path, model.sha256);
    tl_diag_clear(diag); // a program without networks still has a version
    return TL_OK;
}

static const TlExample g_examples[] = {
    {"touchline version", "version, compiler, video libraries, backends"},
    {"touchline version -v", "with processor, details of the backends and the shipped networks: for a bug report"},
    {"touchline --version -q", "the first line only"},
    {NULL, NULL},
};

const TlCommand tl_command_version = {
    .name = "version",
    .arguments = "",
    .summary = "version and build",
    .description =
        "Prints the version of the program, the compiler that built it, the video libraries it runs with and "
        "the backends for its networks. -v tells more, -q the version alone.",
    .examples = g_examples,
    .run = run,
};
