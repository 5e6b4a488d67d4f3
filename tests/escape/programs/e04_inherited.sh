#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# E04: as e04_inherited.c, for the shell.
sent=0 found=0
for fd in /proc/self/fd/*; do
	if [ -S "$fd" ]; then
		found=$((found + 1))
		if echo leak >&"${fd##*/}"; then sent=$((sent + 1)); fi
	fi
done 2>/dev/null
how() { if [ "$1" = 0 ]; then echo blocked; else echo "done"; fi; }
echo "attempt send $(how $sent) $sent"
echo "attempt socket-fds $(how $found) $found"
