# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what is asked for, what a model answers, and how it must end.

One file each, cases/NAME.scenario: lines "key: value", then the answers, each
after a line "=== KIND name=value ...":

    answer      the text of a completion; finish=, refusal=, status=, code=,
                retry-after=, seconds= (how long it takes), type=, "null"
    body        the body of the HTTP answer as it is
    huge N      a program of N characters
    blocks N    N code blocks

Keys: class, goal; language, context, options (JSON) of the request; expect (the
status in which it must end), reason (a part of its error), calls (of the
model), iterations (versions that were tried), feedback (one line a mending: the
very names of the cases that failed, "-" for none), tells (what the first
mending must say besides), findings (what of the analysis), settled (why no
more is tried), best (which version is taken), contains (a part of the final
code), never-of (a file of which no line may come out), same-call (all calls
are one question), waits (seconds between the first two calls, at least), risk
(of the approval that is waited for).
"""

import collections
import json
import re
import shlex
from pathlib import Path

from model_server import ModelServer

CASES = Path(__file__).resolve().parent / "cases"
KEYS = {"class", "goal", "language", "context", "options", "expect", "reason",
        "calls", "iterations", "feedback", "tells", "findings", "settled",
        "best", "contains", "never-of", "same-call", "waits", "risk"}


class Scenario:
    def __init__(self, path):
        self.name = path.stem
        self.keys = collections.defaultdict(list)
        head, *answers = re.split(r"(?m)^=== ", path.read_text())
        for line in head.splitlines():
            key, _, value = line.partition(": ")
            if key not in KEYS or not value:
                raise ValueError(f"{path.name}: {line!r}")
            self.keys[key].append(value)
        self.answers = [parse_answer(text) for text in answers]
        if not self.answers:
            raise ValueError(f"{path.name}: no answer")
        self.problems = []  # of what the model was asked
        self.data = self.seconds = None

    def __getitem__(self, key):
        values = self.keys.get(key)
        return values[0] if values else None

    def number(self, key):
        return None if self[key] is None else int(self[key])

    def request(self):
        context = {"execution_preferences": {"require_approval": False}}
        context.update(json.loads(self["context"] or "{}"))
        if self["language"] is not None:
            context["language"] = self["language"]
        # \n in a goal is a line's end.
        goal = self["goal"].replace("\\n", "\n") + f" [{self.name}]"
        return {"goal": goal, "context": context,
                "options": json.loads(self["options"] or "{}")}


def parse_answer(text):
    head, _, body = text.partition("\n")
    kind, *words = shlex.split(head)
    given = dict(word.partition("=")[::2] for word in words)
    answer = {"text": body}
    if "null" in given:
        answer["text"] = None
    for name in ("finish", "code", "type"):
        if name in given:
            answer[name] = given[name]
    if "refusal" in given:
        answer.update(text=None, refusal=given["refusal"])
    if "status" in given:
        answer["status"] = int(given["status"])
    if "seconds" in given:
        answer["seconds"] = float(given["seconds"])
    if "retry-after" in given:
        answer["headers"] = {"Retry-After": given["retry-after"]}
    if kind == "body":
        answer["body"] = body
    elif kind == "huge":
        line = "WORDS = ['abacus', 'zebra']\n"
        count = int(words[0]) // len(line) + 1
        answer["text"] = f"```python solution.py\n{line * count}```\n"
    elif kind == "blocks":
        answer["text"] = "".join(f"```python\nX = {i}\n```\n"
                                 for i in range(int(words[0])))
    elif kind != "answer":
        raise ValueError(f"no kind of answer: {kind}")
    return answer


def load_all():
    return [Scenario(path) for path in sorted(CASES.glob("*.scenario"))]


# ---- what a mending must be told ------------------------------------------------


def short_name(name):
    """test_solution.py::T::test_x, test_solution.T.test_x: test_x"""
    return re.split(r"::|\.", name)[-1] if re.fullmatch(
        r"[\w.:/\[\]-]+", name) else name


class ScenarioServer(ModelServer):
    """Looks at each mending prompt when it comes: exactly the cases that
    failed, nothing of those that passed, and the program that it is about."""

    def __init__(self, scenarios):
        super().__init__()
        self.scenarios = {one.name: one for one in scenarios}
        for one in scenarios:
            self.script(one.name, *one.answers)

    def take(self, call):
        answer = super().take(call)
        scenario = self.scenarios[call.name]
        if call.block("program") is not None:
            self.check_mending(scenario, call)
        return answer

    def mendings_of(self, name):
        """The ids of its mendings, in their order."""
        return list({call.id: call for call in self.of(name)
                     if call.block("program") is not None})

    def check_mending(self, scenario, call):
        number = self.mendings_of(scenario.name).index(call.id)
        failing = json.loads(call.block("failing-tests") or "[]")
        told = sorted(short_name(one["test"]) for one in failing)
        wanted = scenario.keys["feedback"]
        if number < len(wanted):
            want = sorted(name for name in wanted[number].split(", ")
                          if name != "-")
            if told != want:
                scenario.problems.append(
                    f"mending {number + 1} was told of {told}, not {want}")
        if any(one["outcome"] in ("passed", "skipped") for one in failing):
            scenario.problems.append("told of a case that did not fail")
        if re.search(r"(?m)^(not )?ok \d", call.block("stdout") or ""):
            scenario.problems.append("told of results in stdout")
        tells = scenario["tells"] or scenario["findings"]
        if number == 0 and tells is not None and tells not in call.user:
            scenario.problems.append(f"the mending says nothing of {tells}")
