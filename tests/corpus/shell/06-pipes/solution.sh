#!/bin/sh
# Questions to an access log.
log=$1
question=$2

case $question in
top)
	cut -d' ' -f2 "$log" | sort | uniq -c | sort -k1,1nr -k2 | head -n 3 | sed 's/^ *//'
	;;
errors)
	grep -cE ' (4|5)[0-9]{2} ' "$log"
	;;
bytes)
	awk '{ sum += $4 } END { print sum }' "$log"
	;;
slowest)
	sort -k5,5nr "$log" | sed -n '1s/^[^ ]* \([^ ]*\) .*/\1/p'
	;;
hours)
	sed 's/^\([0-9]*\):.*/\1/' "$log" | sort -u | paste -s -d,
	;;
esac
