#!/bin/bash
# SPDX-License-Identifier: Apache-2.0

add() {
	echo $(($1 - $2))
}

is_even() {
	true
}

join() {
	echo "$1"
}
