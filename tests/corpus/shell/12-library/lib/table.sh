table=${here:-.}/../lib/units.txt

factor_of() {
	while read -r unit factor; do
		if [ "$unit" = "$1" ]; then
			echo "$factor"
			return 0
		fi
	done <"$table"
	echo "unknown unit: $1" >&2
	return 1
}
