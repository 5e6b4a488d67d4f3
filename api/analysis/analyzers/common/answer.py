# SPDX-License-Identifier: Apache-2.0
"""The one JSON object that an analyzer of ours in Python prints (read_own.c
reads it): {"format": 1, "status": "ok" or "not_analysed", "reason", "version",
"findings": [...], "truncated"}.  The Makefile puts this file beside each
analyze.py.
"""
import json

FINDINGS_MAX = 1000


class Unreadable(Exception):
    """The source cannot be read whole; args: line, what."""


def printable(text):
    """One short line: names in it come from the source."""
    return "".join(c if c.isprintable() else "?" for c in text[:400])


def finding(rule, lines, column, message, severity=None, confidence=None):
    """lines: the first and the last; severity and confidence of None are the
    rule's own."""
    made = {"rule": rule, "line_start": lines[0], "line_end": lines[1],
            "column": column, "message": printable(message)}
    if severity:
        made["severity"] = severity
    if confidence:
        made["confidence"] = confidence
    return made


def answer(version, findings, reason=None, is_truncated=False):
    """reason: why the source is not analysed, which is never "clean"."""
    made = {"format": 1, "status": "not_analysed" if reason else "ok",
            "version": version, "findings": findings[:FINDINGS_MAX]}
    if reason:
        made["reason"] = printable(reason)
    if is_truncated or len(findings) > FINDINGS_MAX:
        made["truncated"] = True
    return made


def render(made):
    return json.dumps(made) + "\n"


def of_text(path, version, look):
    """What to print of a file, whose findings look(text) returns."""
    return render(judged(path, version, look))


def judged(path, version, look):
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return answer(version, [], f"line {line}: a NUL byte")
    try:
        return answer(version, look(text))
    except Unreadable as e:
        return answer(version, [], "line %d: %s" % e.args)
    except RecursionError:
        return answer(version, [], "nested too deep")
