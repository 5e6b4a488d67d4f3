#!/bin/sh
# Sum up access logs of nginx or Apache, in combined or common format.
#
#   access-log.sh [-n NUMBER] [FILE...]
#
# NUMBER (10) is how many paths and addresses are listed; without a FILE, or
# for -, standard input is read.  Exit: 0 done, 1 a file cannot be read, 2 wrong
# usage.
set -eu

usage() {
	echo 'usage: access-log.sh [-n NUMBER] [FILE...]' >&2
	exit 2
}

number=10
while getopts n: option; do
	case $option in
	n) number=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
case $number in
'' | *[!0-9]* | ????*) usage ;;
esac

for file in "$@"; do
	if [ "$file" != - ] && { [ ! -r "$file" ] || [ -d "$file" ]; }; then
		printf 'access-log: cannot read %s\n' "$file" >&2
		exit 1
	fi
done

# A count, a tab and a name a line; what clients sent is printable by then.
sum_up='
function top(kind, counts,    name) {
	for (name in counts)
		print kind "\t" counts[name] "\t" name
}
{
	lines++
	# address - user [time] "request" status bytes ...
	if (length($0) > 16384 ||
	    !match($0, /^[^ ]+ [^ ]+ [^ ]+ \[[^]]+\] "/)) {
		unparsed++
		next
	}
	rest = substr($0, RLENGTH + 1)
	if (!match(rest, /^([^"\\]|\\.)*" [1-5][0-9][0-9] ([0-9]+|-)( |$)/)) {
		unparsed++
		next
	}
	head = substr(rest, 1, RLENGTH)
	split($0, words, " ")
	match(head, /" [1-5][0-9][0-9] ([0-9]+|-) ?$/)
	split(substr(head, RSTART + 2), numbers, " ")
	request = substr(head, 1, RSTART - 1)
	requests++
	bytes += numbers[2] == "-" ? 0 : numbers[2]
	classes[substr(numbers[1], 1, 1) "xx"]++
	path = "(no request)"
	if (split(request, parts, " ") == 3 && parts[3] ~ /^HTTP\//) {
		path = parts[2]
		sub(/\?.*/, "", path)
	}
	gsub(/[^ -~]/, "?", path)
	gsub(/[^ -~]/, "?", words[1])
	paths[path]++
	addresses[words[1]]++
}
END {
	printf "total\t%d\trequests\n", requests
	printf "total\t%.0f\tbytes\n", bytes
	printf "total\t%d\tlines not understood\n", unparsed
	top("status", classes)
	top("path", paths)
	top("address", addresses)
}'

# Names of files that hold a = are not assignments: awk reads its input.
read_all() {
	if [ $# -eq 0 ]; then
		cat
	else
		cat -- "$@"
	fi
}

tab=$(printf '\t')
summary=$(read_all "$@" | LC_ALL=C awk "$sum_up")

list() {
	printf '%s:\n' "$2"
	printf '%s\n' "$summary" | awk -F "$tab" -v kind="$1" \
		'$1 == kind { print $2 "\t" $3 }' |
		LC_ALL=C sort -t "$tab" -k 1,1nr -k 2,2 | head -n "$3" |
		while IFS=$tab read -r count name; do
			printf '%8s  %s\n' "$count" "$name"
		done
}

printf '%s\n' "$summary" | awk -F "$tab" '$1 == "total" { print $3 ": " $2 }'
list status 'status' 9
list path "top paths" "$number"
list address "top addresses" "$number"
