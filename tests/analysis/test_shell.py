#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the analyzer for shell tells of small scripts, without a jail: where one
rule has several ways to be broken, and what is right although it looks alike.

    tests/analysis/test_shell.py
"""
import sys

import test_rules as rules

# (rule or None, script): exactly this security rule is told, or none at all.
CASES = (
    # eval under another name, and later
    ("eval-input", 'e=eval\n$e "$1"'),
    ("eval-input", 'trap "$1" EXIT'),
    (None, 'f=$(mktemp)\ntrap "rm -f $f" EXIT'),
    (None, "e=echo\n$e \"$1\""),
    # what is no check of the text
    ("eval-input", '[ -n "$1" ] && c=$1\neval "$c"'),
    ("eval-input", 'c=$1\neval "$c"\n[ "$c" = x ]'),
    (None, 'c=$1\n[[ $c =~ ^[a-z]+$ ]] || exit\neval "$c"'),
    # the environment
    ("eval-input", 'eval "$code"'),
    (None, '. /etc/default/thing\neval "$code"'),
    ("source-input", '. "$PLUGIN"'),
    (None, '. "$HOME/.thing"'),
    # the command's name
    ("command-injection", "run() { $1 --version; }"),
    ("command-injection", 'c=$1\nr=`$c`'),
    (None, "run() { $1 --version; }\nrun ls\nrun cat"),
    ("command-injection", "run() { shift; $1 x; }\nrun ls \"$2\""),
    (None, 'run() { c="invoke $1"; $c; }'),
    (None, 'run() { "$@"; }'),
    ("command-injection", 'c=$1\nfind . -exec "$c" {} \\;'),
    ("command-injection", 'v=$1\ndocker exec app sh -c "echo $v"'),
    (None, "docker exec app sh -c 'uptime -p'"),
    # from a function's answer
    ("eval-input", 'f() { echo "do $1"; }\neval "$(f "$1")"'),
    (None, 'quote() { sed "s/x/y/"; }\neval "$(quote "$1")"'),
    # arithmetic
    ("code-injection", 'echo $(($1 + 1))'),
    (None, '[[ $1 =~ ^[0-9]+$ ]] || exit\necho $(($1 + 1))'),
    # sed, xargs
    ("code-injection", 'read -r x\nsed "s/a/$x/" f'),
    ("unquoted-input", 'read -r x\necho "$x" | xargs rm'),
    (None, 'read -r x\nprintf "%s\\0" "$x" | xargs -0 rm'),
    # removal
    ("unsafe-remove", "rm -rf /"),
    ("unsafe-remove", "rm -rf /usr/*"),
    (None, "rm -rf /usr/share/thing"),
    ("unquoted-input", "wipe() { rm -rf $1; }"),
    # names that can be foreseen
    ("temp-file", "t=/tmp/thing.$$\necho x >$t"),
    ("temp-file", "t=/tmp/thing-$(date +%s)\necho x >$t"),
    (None, "t=$(mktemp) || t=/tmp/thing.$$\necho x >$t"),
    # secrets
    ("hardcoded-secret", 'curl https://joe:hunter22@example.com/x'),
    ("hardcoded-secret", 'H="Authorization: Basic am9lOmh1bnRlcjIyaHVudGVy"'),
    (None, 'curl "https://joe:<password>@localhost/x"'),
    ("permissive-mode", "chmod 644 /srv/credentials.json"),
    # networks
    ("clear-text", "snmpwalk -v 2c -c public host"),
    ("clear-text", 'curl "http://example.com/x?k=$API_KEY"'),
    ("weak-random", "make_token() { echo $RANDOM; }"),
    (None, "roll_dice() { echo $RANDOM; }"),
    ("code-from-network", "curl -s https://example.com/x | python3 -c "
     "'import sys; exec(sys.stdin.read())'"),
)


def errors_of(rule, script):
    found = rules.findings_of("shell", "#!/bin/bash\n" + script + "\n")
    wanted = [] if rule is None else ["shell/" + rule]
    if sorted(set(found)) != wanted:
        return ["%r: %s, not %s" % (script, found, wanted)]
    return []


def main():
    errors = [e for case in CASES for e in errors_of(*case)]
    for error in errors:
        print(error)
    print("shell: %d scripts, %d errors" % (len(CASES), len(errors)))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
