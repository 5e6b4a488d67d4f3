#!/bin/bash
# backup FOLDER: a numbered copy beside it; keeps the last three.
set -euo pipefail

folder=${1%/}
[ -d "$folder" ] || {
	echo "$folder: no such folder" >&2
	exit 1
}
last=0
for old in "$folder".[0-9]*; do
	[ -e "$old" ] || continue
	n=${old##*.}
	((n > last)) && last=$n
done
next=$((last + 1))
cp -a "$folder" "$folder.$next"
for old in "$folder".[0-9]*; do
	((${old##*.} <= next - 3)) && rm -r "$old"
done
echo "$next"
