#!/usr/bin/env bash
# Compare the protos with those of a commit: `tools/breaking.sh BUF COMMIT`. Without protos to compare with, say so.
set -euo pipefail
buf=$1 base=$2
if [[ -z $base ]] || ! git cat-file -e "$base:buf.yaml" 2> /dev/null; then
  echo "buf breaking: not run, main holds no protos yet"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git archive "$base" buf.yaml proto third_party/proto | tar -x -C "$folder"
"$buf" breaking --against "$folder"
echo "buf breaking: nothing broken since ${base:0:12}"
