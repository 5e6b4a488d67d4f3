#!/bin/sh
. ./solution.sh
echo 1..5
require sh && echo "ok 1 - sh"
require cat && echo "ok 2 - cat"
require no-such-command-here && echo "ok 3 - nonsense"
echo "ok 4 - reached"
echo "ok 5 - end"
