#!/bin/sh
# Adds up NAME AMOUNT lines.
names= bad=0

while read -r name amount rest; do
	case $name in
	'' | '#'*) continue ;;
	esac
	case $amount in
	'' | *[!0-9]*)
		echo "ignored: $name $amount" >&2
		bad=$((bad + 1))
		continue
		;;
	esac
	eval "old=\${sum_$name-}"
	[ -z "$old" ] && names="$names $name"
	eval "sum_$name=$((${old:-0} + amount))"
done

for name in $names; do
	eval "printf '%-8s%6d\n' $name \$sum_$name"
done
cat <<EOF
----------------
$bad line(s) ignored
EOF
