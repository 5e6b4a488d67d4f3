# SPDX-License-Identifier: Apache-2.0
"""What a condition says of the variables in it, and which way leaves.

Read in the order of the text: a comparison counts for all that comes behind,
whichever way it went.  Only a number that is found to be greater than something
is not bounded above within the block that this leads to.
"""
import operator

from cstate import skip_call
from ctokens import split

NAMED_CHECKS = {"strchr", "strstr", "strcmp", "strncmp", "strcasecmp",
                "realpath", "strspn", "strcspn", "isalnum", "isdigit",
                "regexec", "fnmatch", "memchr", "wcschr", "wcsstr",
                "isalpha", "strpbrk"}
RELATIONS = {"<", "<=", ">", ">="}
HOLDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt,
         ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
LEAVES = {"return", "goto", "break", "continue", "exit", "_exit", "abort",
          "err", "errx", "longjmp", "_Exit"}


def apply(r, tokens):
    """After a comparison with an upper bound a number is known."""
    for i, t in enumerate(tokens):
        if t.kind == "id" and t.text in NAMED_CHECKS:
            for x in tokens[i + 2:skip_call(tokens, i + 1) - 1]:
                set_fact(r, x, "checked")
        if t.text in RELATIONS and 0 < i < len(tokens) - 1:
            relation(r, tokens, i)
    zeroes(r, tokens)


def relation(r, tokens, i):
    op, before, after = tokens[i].text, tokens[i - 1], tokens[i + 1]
    for x in (before, after):
        set_fact(r, x, "compared")
        set_fact(r, x, "nonzero")
    if not is_small(after):
        set_fact(r, before, "bounded")
    if not is_small(before):
        set_fact(r, after, "bounded")
    if is_small(after):
        set_fact(r, before, "floor")
        upper = before if op in ("<", "<=") and \
            after.text not in ("0", "-") else None
    else:
        upper = before
    if is_small(before):
        set_fact(r, after, "floor")
    for x in (upper, after):
        if x is None:
            continue
        if x.text == ")":
            for y in tokens[:i]:
                mark(r, y)
        mark(r, x)


def is_small(token):
    return token.text in ("0", "-1", "1", "-", "0.0")


def zeroes(r, tokens):
    """A test for a value, or for being there at all."""
    texts = {t.text for t in tokens}
    for i, t in enumerate(tokens):
        if t.kind != "id":
            continue
        follows = tokens[i + 1].text if i + 1 < len(tokens) else ""
        before = tokens[i - 1].text if i else ""
        if "EOF" in texts or follows in ("==", "!=") or \
                before in ("==", "!="):
            set_fact(r, t, "floor")
        is_argument = before == "(" and i > 1 and tokens[i - 2].kind == "id"
        is_alone = before in ("", "(", "&&", "||", "!") and \
            follows in ("", ")", "&&", "||") and not is_argument
        if is_alone or {follows, before} & {"==", "!="}:
            set_fact(r, t, "nonzero")
        if t.text in ("abs", "fabs", "labs"):
            for x in tokens[i + 1:skip_call(tokens, i + 1)]:
                set_fact(r, x, "nonzero")
                set_fact(r, x, "floor")


def set_fact(r, token, name):
    v = r.scope.get(token.text) if token.kind == "id" else None
    if v is not None:
        setattr(v, name, True)


def mark(r, token):
    v = r.scope.get(token.text) if token.kind == "id" else None
    if v is not None and not v.is_array:
        v.checked = True


def within(r, tokens):
    """[(variable, fact, value)]: what holds only where a condition is true.

    What `v > bound` finds to be great is not bounded above; a number that the
    condition says is another one is one from a round of a loop before.
    """
    found = []
    if len(tokens) >= 3 and tokens[0].kind == "id" and \
            tokens[1].text in (">", ">=") and not any(
                t.text in ("&&", "||") for t in tokens):
        v = r.scope.get(tokens[0].text)
        if v is not None and v.taint and not v.checked:
            found.append((tokens[0].text, "checked", False))
    for part in split(tokens, "&&"):
        if len(part) > 2 and part[0].kind == "id" and part[1].text in HOLDS:
            a, b = r.scope.number(part[:1]), r.scope.number(part[2:])
            if a is not None and b is not None and \
                    not HOLDS[part[1].text](a, b):
                found.append((part[0].text, "constant", None))
    return found


def leaves(tokens):
    """Whether a block's last statement goes elsewhere."""
    last = [t for t in tokens if t.text not in ("{", "}")]
    if last and last[-1].text == ";":
        last.pop()
    depth, word = 0, None
    for t in reversed(last):
        depth += (t.text in (")", "]")) - (t.text in ("(", "["))
        if depth == 0 and t.text == ";":
            break
        word = t
    return word is not None and word.text in LEAVES
