// touchline version: version and build on standard output.
#include <stdio.h>

#include <touchline/session.h>

#include "command.h"

static int run(const TlCommandLine *line, TlDiag *diag)
{
    (void)line;
    (void)diag;
    printf("touchline %s\n", tl_version());
    return TL_OK;
}

static const TlExample g_examples[] = {
    {"touchline version", "version, compiler and backends"},
    {"touchline --version", "the same"},
    {NULL, NULL},
};

const TlCommand tl_command_version = {
    .name = "version",
    .arguments = "",
    .summary = "version and build",
    .description = "Prints the version of the program and what it was built with.",
    .examples = g_examples,
    .run = run,
};
