#!/bin/sh
# fuzz_parse.sh PROGRAM FOLDER: run a fuzz program, starting from the scenarios and the corpus of the tests' folder.
# What it learns, and what crashes it, is left beside the program.
set -eu
build="$(dirname "$1")"
work="$build/fuzz_parse_corpus"
mkdir -p "$work"
cp "$2"/*.duress "$2"/corpus/* "$work"
exec "$1" -max_total_time="${FUZZ_SECONDS:-600}" -timeout=10 -rss_limit_mb=3000 -max_len=8192 \
  -dict="$2/fuzz_parse.dict" -artifact_prefix="$build/" -print_final_stats=1 "$work"
