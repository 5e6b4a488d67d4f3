#!/bin/bash
# SPDX-License-Identifier: Apache-2.0

double() {
	echo $(($1 * 2))
}

greet() {
	echo "hello, $1"
}
