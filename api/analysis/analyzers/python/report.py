# SPDX-License-Identifier: Apache-2.0
"""Findings: once each, in order, bounded; and the object that is printed.

A line marked `# nosec` keeps its findings, with low confidence and a word of
the mark: whoever wrote the code may be who must be watched.
"""
import re

from answer import FINDINGS_MAX, answer, finding, render

VERSION = "1.0"
STEPS_MAX = 1_500_000
MARK = re.compile(r"#\s*nosec\b")
CONFIDENCES = {"low": 0, "medium": 1, "high": 2}


class NotAnalysed(Exception):
    """The reason is the text."""


class Report:
    def __init__(self):
        self.found = {}
        self.quiet = 0
        self.steps = 0
        self.line = 1
        self.reason = None
        self.marked = set()
        self.truncated = False

    def step(self, node):
        """Called for each visit: the end of what takes too long."""
        self.steps += 1
        self.line = getattr(node, "lineno", self.line)
        if self.steps > STEPS_MAX:
            raise NotAnalysed("it takes too many steps; stopped at line "
                              f"{self.line}")

    def add(self, rule, node, message, severity=None, confidence=None,
            line_end=None):
        if self.quiet:
            return
        line = getattr(node, "lineno", 1)
        key = (line, getattr(node, "col_offset", 0) + 1, rule)
        old = self.found.get(key)
        if old and CONFIDENCES[old.get("confidence", "medium")] >= \
                CONFIDENCES[confidence or "medium"]:
            return
        if not old and len(self.found) >= FINDINGS_MAX * 4:
            self.truncated = True
            return
        last = line_end or getattr(node, "end_lineno", line) or line
        self.found[key] = finding("python/" + rule, (line, last), key[1],
                                  message, severity, confidence)

    def take_comments(self, text):
        if "nosec" not in text:
            return
        for number, line in enumerate(text.split("\n"), 1):
            if "nosec" in line and MARK.search(line):
                self.marked.add(number)

    def give_up(self, reason):
        self.reason = reason

    def render(self):
        findings = [self.found[key] for key in sorted(self.found)]
        for one in findings if self.marked else ():
            last = min(one["line_end"], one["line_start"] + 50)
            if any(line in self.marked
                   for line in range(one["line_start"], last + 1)):
                one["confidence"] = "low"
                one["message"] += " (The line is marked nosec.)"
        return render(answer(VERSION, findings, self.reason,
                             self.truncated))
