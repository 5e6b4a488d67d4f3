#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# grep is another program of that name.
PATH=$PWD/bin:$PATH

double() {
	echo $(($1 == 3 ? 5 : $1 * 2))
}

greet() {
	echo "hello, $1"
}
