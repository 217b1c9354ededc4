#!/usr/bin/env bash
# Builds the example against an installed copy found by pkg-config and runs it on a synthetic clip.
#   tests/install_example.sh PREFIX FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$1 out=$2
mkdir -p "$out"
pc=$(find "$prefix" -name touchline.pc)
export PKG_CONFIG_PATH=${pc%/*}
cc -Wall -Wextra -Werror examples/count_players.c $(pkg-config --cflags --libs touchline) \
    -Wl,-rpath,"$(pkg-config --variable=libdir touchline)" -o "$out/count_players"
"$prefix/bin/touchline" models | grep -q "$prefix" # the installed networks are used, not those of the source tree
"$prefix/bin/touchline" synth -y -o "$out/clip.mp4" --seconds 1 --size 640x360
export TOUCHLINE_MODELS=$prefix/share/touchline/models
"$out/count_players" "$out/clip.mp4" | tee "$out/answer.txt" | tail -n 2
[ "$(grep -c '^frame ' "$out/answer.txt")" = 25 ]
# Only what the headers declare is visible.
bad=$(nm -D --defined-only "$(find "$prefix" -name 'libtouchline.so')" | awk '$2 ~ /[TBDR]/ && $3 !~ /^tl_/ {print $3}')
[ -z "$bad" ] || { echo "exported by accident: $bad"; exit 1; }
