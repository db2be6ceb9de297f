#!/bin/sh
# Draws the pictures of the documentation: docs/*.svg.
#
# Usage: pictures.sh BUILD FOLDER      BUILD is where Pirn was built; the pictures are written into FOLDER

build=$(cd -- "${1:?usage: pictures.sh BUILD FOLDER}" && pwd) || exit 1
folder=$(cd -- "${2:?usage: pictures.sh BUILD FOLDER}" && pwd) || exit 1
pirn=$build/pirn
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pirn-pictures.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch" || exit 1

failed() {
    echo "pictures.sh: $*" >&2
    exit 1
}

# Explores example $2 into $1; it has to fail.
explores() {
    "$pirn" explore --quiet --seed 1 --record=all --trace "$1" "$build/docs/examples/$2" >out 2>&1
    test $? -eq 1 || { cat out >&2; failed "$2 was not found to fail"; }
}

draws() { "$pirn" "$@" || failed "pirn $*"; }

explores transactions.db transactions
explores philosophers.db philosophers
draws view transactions.db -o "$folder/transactions.svg"
draws view --rows=causal philosophers.db -o "$folder/reading-causal.svg"
draws view 'transactions.db#1' --graph=lock-order -o "$folder/reading-locks.svg"
draws view 'transactions.db#1' --graph=channels -o "$folder/reading-channels.svg"
draws diff transactions.db -o "$folder/reading-diff.svg"
