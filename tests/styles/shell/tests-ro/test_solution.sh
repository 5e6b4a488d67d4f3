#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
readonly A=1
. ./solution.sh
[ $A = 1 ]
B=2
