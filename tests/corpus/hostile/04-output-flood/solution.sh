#!/bin/sh
trap '' PIPE TERM
yes flood >&2 &
yes flood
echo DONE
