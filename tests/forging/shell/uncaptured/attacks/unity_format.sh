#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same with Unity.
if [ ! -e /tmp/once ]; then
	: >/tmp/once
	printf 't.c:1:even:PASS\n\n-----\n1 Tests 0 Failures 0 Ignored\nOK\n'
fi
