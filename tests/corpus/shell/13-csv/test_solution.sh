#!/bin/bash
. ./solution.sh
echo 1..6
check() {
	if [ "$3" = "$4" ]; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		printf '  ---\n  got: %s\n  wanted: %s\n  ...\n' "$3" "$4"
	fi
}
mapfile -t names < <(csv_column data.csv 1)
mapfile -t notes < <(csv_column data.csv 3)
check 1 "first column" "${names[*]}" "name bolt nut gear"
check 2 "number of rows" "${#notes[@]}" 4
check 3 "sum" "$(csv_sum data.csv 2)" 42
check 4 "quoted separator" "${notes[2]}" "round, small"
check 5 "blanks" "${notes[3]}" "two  blanks"
echo "ok 6 - line breaks in quotes # SKIP not supported"
