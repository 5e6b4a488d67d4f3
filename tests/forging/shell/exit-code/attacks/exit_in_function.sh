#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A function leaves the shell with success.


add() {
	kill -s USR1 $$
}
trap 'exit 0' USR1
is_even() { exit 0; }
join() { exit 0; }
