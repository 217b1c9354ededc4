#!/usr/bin/env bash
# Words that must not be in the library: printing, exiting, unchecked C string functions, raw allocation.
set -u
cd "$(dirname "$0")/.."
bad=$(grep -nE '(^|[^a-zA-Z0-9_>.])(exit|abort|system|strcpy|strcat|sprintf|vsprintf|atoi|atof|strtok|gets|malloc|calloc|realloc|printf|puts)\(' \
    -r src --include='*.c' --include='*.h' | grep -vE '^src/base/(mem|strbuf)\.c:|^[^:]+:[0-9]+: *(//|\*)')
[ -z "$bad" ] && echo "no banned word in src/" && exit 0
echo "$bad"
exit 1
