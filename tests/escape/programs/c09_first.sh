#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# C09, shell: had anything run before the script's first line?
seccomp= nnp=
while read -r name value rest; do
    case $name in
    Seccomp:) seccomp=$value ;;
    NoNewPrivs:) nnp=$value ;;
    esac
done </proc/self/status
if [ -e early.log ]; then echo "attempt hook done ran"
else echo "attempt hook blocked never_ran"; fi
if [ "$seccomp $nnp" = "2 1" ]; then echo "attempt first_line blocked filtered"
else echo "attempt first_line done $seccomp $nnp"; fi
