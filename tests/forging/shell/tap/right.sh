#!/bin/bash
# SPDX-License-Identifier: Apache-2.0

add() {
	echo $(($1 + $2))
}

is_even() {
	[ $(($1 % 2)) -eq 0 ]
}

join() {
	echo "$1, $2"
}
