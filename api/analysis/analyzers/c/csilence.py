# SPDX-License-Identifier: Apache-2.0
"""What in a source keeps GCC from telling what it finds there.

Cppcheck and flawfinder are run so that comments do not silence them; GCC has
no such option.
"""
import re

# Warnings without which a weakness may stay untold; not those of style.
WARNINGS = re.compile(r"-W(?:analyzer|format(?!-nonl)|stringop|stringo|array-bounds|"
                      r"use-after-free|free-nonheap|mismatched-dealloc|"
                      r"maybe-uninit|uninit|null|nonnull|return-local|"
                      r"dangling|alloc|overflow|shift|restrict|sizeof|"
                      r"implicit-function|int-conversion|"
                      r"incompatible-pointer|all\b|extra\b)")


def look(unit, tokens, directives):
    for directive in directives:
        words = [t.text for t in directive]
        what = hidden(words)
        if what:
            unit.report("silenced-warnings", directive[0],
                        "GCC does not tell %s below this." % what)
    for i, t in enumerate(tokens[:-2]):
        if t.text in ("_Pragma", "__pragma") and tokens[i + 2].kind == "str":
            words = tokens[i + 2].value.replace("\\\"", "\"").split()
            what = hidden(["pragma"] + words)
            if what:
                unit.report("silenced-warnings", t,
                            "GCC does not tell %s below this." % what)


def hidden(words):
    """What a directive hides, or None."""
    if words[:3] == ["pragma", "GCC", "system_header"]:
        return "anything"
    if words[:4] == ["pragma", "GCC", "diagnostic", "ignored"] and \
            len(words) > 4 and WARNINGS.match(words[4].strip('"')):
        return words[4].strip('"')[:60]
    # A line marker: # 1 "name" 3
    if words and words[0].isdigit() and "3" in words[2:]:
        return "anything"
    return None
