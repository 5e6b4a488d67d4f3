#!/bin/sh
n=0

is() {
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		echo "# got '$1', wanted '$2'"
	fi
}

echo "TAP version 13"
is "$(./solution.sh bytes 'größe')" 7 "bytes of größe"
is "$(./solution.sh chars 'größe')" 5 "characters of größe"
is "$(./solution.sh chars '日本語')" 3 "characters of 日本語"
is "$(./solution.sh slug 'Müller & Söhne: Straße')" Mueller-Soehne-Strasse "slug"
./solution.sh 2>/dev/null
is $? 2 "usage"
echo "1..$n"
