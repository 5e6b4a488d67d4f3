#!/bin/sh
# Usage: solution.sh bytes|chars|slug TEXT
set -eu

case ${1-} in
bytes)
	printf '%s' "$2" | wc -c | tr -d ' '
	;;
chars)
	printf '%s' "$2" | LC_ALL=C.UTF-8 wc -m | tr -d ' '
	;;
slug)
	printf '%s\n' "$2" |
		sed -e 's/ä/ae/g' -e 's/ö/oe/g' -e 's/ü/ue/g' -e 's/ß/ss/g' |
		LC_ALL=C tr -c 'A-Za-z0-9\n' '-' |
		sed -e 's/--*/-/g' -e 's/^-//' -e 's/-$//'
	;;
*)
	echo "usage: $0 bytes|chars|slug TEXT" >&2
	exit 2
	;;
esac
