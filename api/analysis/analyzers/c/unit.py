# SPDX-License-Identifier: Apache-2.0
"""One C source as a whole: its functions are read up to three times, so that
what one gives to another is known.
"""
import csilence
from answer import finding
from cflow import Reader
from csinks import is_secret
from cstate import PARAMETER, Scope, Shared, Variable
from ctokens import (UNSIGNED, Function, brackets, functions, tokenize,
                     width_of)

VERSION = "1"
PASSES = 3


class Unit:
    """One source file."""

    def __init__(self, text):
        directives = []
        tokens, self.macros = tokenize(text, directives)
        self.functions, outside = functions(tokens, brackets(tokens))
        self.outside = Function("", [], outside, 1)
        self.names = {f.name for f in self.functions}
        self.shared = Shared()
        self.shared.functions = self.names
        self.findings = {}
        self.given, self.changed = {}, False
        self.has_secrets = any(t.kind == "id" and is_secret(t.text)
                               for t in tokens)
        csilence.look(self, tokens, directives)

    def report(self, rule, token, message, severity=None, confidence=None):
        self.findings.setdefault((token.line, rule), finding(
            "c/" + rule, (token.line, token.line), token.column, message,
            severity, confidence))

    def returning(self, name, source):
        if self.shared.returns.get(name) != source:
            self.shared.returns[name] = source
            self.changed = True

    def giving(self, name, i, source, variable):
        """A call hands something to a function of this file."""
        key = (name, i)
        size = variable.size if variable is not None else None
        fact = (source, size,
                variable.length if variable is not None else None,
                variable.offset if variable is not None else 0)
        before = self.given.get(key)
        if before is None:
            self.given[key] = fact
        else:
            self.given[key] = (before[0] or source,) + tuple(
                a if a == b else (0 if k == 2 else None)
                for k, (a, b) in enumerate(zip(before[1:], fact[1:])))

    def scope_of(self, function, given):
        scope = Scope(self.macros, self.shared)
        for i, name in enumerate(function.parameters):
            if not name:
                continue
            v = scope.variables[name] = Variable()
            v.is_parameter = True
            words = function.types[i] if i < len(function.types) else []
            depth = words.count("*") + words.count("[")
            v.element = 8 if depth > 1 else width_of(words) or 1
            v.is_integer = depth == 0 and width_of(words) > 0
            v.is_signed = v.is_integer and not UNSIGNED & set(words)
            fact = given.get((function.name, i))
            if function.name in ("main", "wmain") and i == 1:
                v.taint = "an argument of the program"
            elif fact is not None:
                v.taint, v.size, v.length, v.offset = fact
            elif function.name != "main":
                v.taint = PARAMETER
        return scope

    def globals(self):
        """What stands outside of the functions, as if it were one."""
        scope = Scope(self.macros, self.shared)
        reader = Reader(self, self.outside, scope, self.report)
        reader.read()
        self.shared.aliases = scope.aliases
        for name, v in scope.variables.items():
            v.constant = None
            self.shared[name] = v

    def run(self):
        self.globals()
        for turn in range(PASSES):
            last = turn == PASSES - 1
            given, self.given = self.given, {}
            before, self.changed = given, False
            for f in self.functions:
                Reader(self, f, self.scope_of(f, given),
                       self.report if last else None).read()
            if not last and self.given == before and not self.changed \
                    and turn > 0:
                for f in self.functions:
                    Reader(self, f, self.scope_of(f, given),
                           self.report).read()
                break
        return sorted(self.findings.values(),
                      key=lambda x: (x["line_start"], x["rule"]))


def look(text):
    return Unit(text).run()
