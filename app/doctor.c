// touchline doctor: what this machine has, what will be used, what is wrong and how to mend it.
#include <stdio.h>

#include <touchline/system.h>

#include "command.h"

typedef struct Tally {
    int wrong, notes;
} Tally;

static void print_check(void *opaque, const TlCheck *check)
{
    static const char *const words[] = {[TL_CHECK_OK] = "ok", [TL_CHECK_NOTE] = "note", [TL_CHECK_WRONG] = "WRONG"};
    Tally *tally = opaque;

    tally->wrong += check->state == TL_CHECK_WRONG;
    tally->notes += check->state == TL_CHECK_NOTE;
    printf("%-5s  %-10s %s\n", words[check->state], check->topic, check->text);
    if (check->remedy[0])
        printf("                  -> %s\n", check->remedy);
    fflush(stdout);
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    Tally tally = {0};

    int ret = tl_system_check(&line->options, print_check, &tally);
    if (ret < 0)
        return tl_fail(diag, ret, "%d thing%s wrong, see the line%s marked WRONG", tally.wrong,
                       tally.wrong == 1 ? " is" : "s are", tally.wrong == 1 ? "" : "s");
    printf("everything that is needed works\n");
    return TL_OK;
}

static const TlExample g_examples[] = {
    {"touchline doctor", "examine this machine"},
    {"touchline doctor --player-model mine.onnx --backend openvino", "would these settings work?"},
    {NULL, NULL},
};

const TlCommand tl_command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "what this machine has, what is wrong and how to mend it",
    .description =
        "Examines processor, memory, libraries, backends, networks and cache folder with the settings given. "
        "The exit code is that of the first thing that is wrong, 0 when nothing is.",
    .groups = "Networks|Pitch|Machine",
    .examples = g_examples,
    .run = run,
};
