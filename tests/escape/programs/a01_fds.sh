#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same from a shell; 255 is the script
# itself, 3 the result pipe.
extra=""
for n in $(seq 4 1023); do
	if [ "$n" != 255 ] && [ -L "/proc/$$/fd/$n" ]; then
		extra="$extra $n"
	fi
done
if [ -n "$extra" ]; then
	echo "attempt undeclared_fd done$extra"
else
	echo "attempt undeclared_fd blocked nothing-there"
fi
