# To be sourced.

factorial() {
	if [ "$1" -le 1 ]; then
		echo 1
	else
		echo $(($1 * $(factorial $(($1 - 1)))))
	fi
}

hanoi() {
	[ "$1" -eq 0 ] && return
	hanoi $(($1 - 1)) "$2" "$4" "$3"
	echo "$2$3"
	hanoi $(($1 - 1)) "$4" "$3" "$2"
}

# Depth-first walk of "parent child" lines on stdin, from $1.
walk() {
	edges=$(cat)
	visit "$1" ""
}

visit() {
	echo "$2$1"
	echo "$edges" | while read -r parent child; do
		[ "$parent" = "$1" ] && visit "$child" "$2  "
	done
	return 0
}

collatz() {
	printf '%s ' "$1"
	[ "$1" -eq 1 ] && return
	if [ $(($1 % 2)) -eq 0 ]; then
		collatz $(($1 / 2))
	else
		collatz $((3 * $1 + 1))
	fi
}
