#!/bin/bash
# csv_column FILE N: the N-th column.  Does not know quotes.
csv_column() {
	local fields
	while IFS=, read -r -a fields; do
		echo ${fields[$2 - 1]} # unquoted: blanks collapse
	done <"$1"
}

csv_sum() {
	local total=0 value
	while read -r value; do
		[[ $value =~ ^-?[0-9]+$ ]] && ((total += value))
	done < <(csv_column "$1" "$2")
	echo "$total"
}
