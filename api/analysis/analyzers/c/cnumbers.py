# SPDX-License-Identifier: Apache-2.0
"""Sums, divisions and lengths that go wrong with numbers from outside, or with
those that stand in the source."""
from cstate import PARAMETER


def may_be_negative(v):
    return v is not None and v.is_signed and v.checked and not v.floor and \
        v.taint not in (None, PARAMETER)


def arithmetic(r, tokens):
    """data + 1, data * 2, data++ with a foreign number."""
    for i, t in enumerate(tokens):
        if t.text not in ("+", "*", "-") or i == 0 or i + 1 >= len(tokens):
            continue
        a, b = tokens[i - 1], tokens[i + 1]
        for x, y in ((a, b), (b, a)):
            v = r.scope.get(x.text) if x.kind == "id" else None
            if v is not None and v.is_integer and v.taint and \
                    v.taint != PARAMETER and \
                    not v.checked and not v.bounded and \
                    not (t.text == "-" and v.compared) and \
                    v.size is None and (y.kind == "num" or y is x or
                                        y.text == x.text):
                return t, v
    return None


def divisions(r, tokens):
    """x / n and x % n with a foreign n that nobody compared with zero."""
    for i, t in enumerate(tokens[1:-1], 1):
        if t.text not in ("/", "%") or t.kind != "op":
            continue
        name = tokens[i + 1]
        after = tokens[i + 2].text if i + 2 < len(tokens) else ""
        v = r.scope.get(name.text) if name.kind == "id" and \
            after not in ("(", "[", ".", "->") else None
        if v is None or not v.is_integer or v.nonzero or \
                v.taint in (None, PARAMETER):
            continue
        words = [x.text for x in tokens[:i]]
        if name.text in words and {"&&", "||", "?"} & set(words):
            continue
        r.report("division-by-zero", t, "%s comes from %s and may be zero."
                 % (name.text, v.taint), confidence="medium")


def too_large(r, token, target, value):
    """A sum of known numbers that does not fit where it is put."""
    if target is None or not target.is_signed or not any(
            t.text in ("+", "-", "*") for t in value[1:]) or not any(
                t.kind == "id" for t in value):
        return
    n, limit = r.scope.number(value), 1 << (8 * target.element - 1)
    if n is not None and not -limit <= n < limit:
        r.report("integer-overflow", token, "%s does not hold %d." %
                 (token.text, n))


def steps(r, tokens):
    """data++ and --data of a foreign number, or of one at its limit."""
    if len(tokens) != 2:
        return
    op, name = (tokens[0], tokens[1]) if tokens[0].kind == "op" else \
        (tokens[1], tokens[0])
    v = r.scope.get(name.text) if name.kind == "id" else None
    if op.text in ("++", "--") and v is not None and v.is_signed and \
            v.constant == (1 << (8 * v.element - 1)) * (
                1 if op.text == "++" else -1) - (op.text == "++"):
        r.report("integer-overflow", op, "%s is at its limit already." %
                 name.text)
    if op.text in ("++", "--") and v is not None and v.is_integer and \
            v.taint and v.taint != PARAMETER and \
            not v.checked and not v.bounded and \
            not (op.text == "--" and v.compared):
        r.report("integer-overflow", op, "A number from %s is counted on and "
                 "may overflow." % v.taint, confidence="medium")
