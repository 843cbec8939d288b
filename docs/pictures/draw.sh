#!/usr/bin/env bash
# Draws the pictures of docs/ from their texts with Graphviz (Debian: graphviz), and notes in each the checksum of its text.
set -euo pipefail
cd "$(dirname "$0")"
for text in *.dot; do
	svg=${text%.dot}.svg
	dot -Tsvg "$text" >"$svg"
	printf '<!-- %s sha256 %s -->\n' "$text" "$(sha256sum <"$text" | cut -d' ' -f1)" >>"$svg"
done
