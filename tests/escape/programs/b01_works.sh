#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# B01, the other side: pipelines and jobs.
report() {
	if "$@"; then echo "attempt $name done"; else
		echo "attempt $name blocked $?"; fi
}
name=pipeline
report test "$(echo x | cat | cat)" = x
name=background
sleep 0 &
report wait $!
name=subshell
report test "$( (exec echo y) )" = y
