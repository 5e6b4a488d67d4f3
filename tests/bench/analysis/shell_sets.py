#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How many lines of shell scripts that their authors call weak are told, and
how many that they call right, beside ShellCheck as it is.

    shell_sets.py lines FOLDER look|held|all [-v]   lines with a mark
    shell_sets.py cases FOLDER look|held|all [-v]   files named weak or safe
    shell_sets.py labels FOLDER                     what the marks say: TSV
    shell_sets.py clean FILE...                     findings in good scripts

Marks, in this order: on the line ("# BAD", "vuln-line", "Should trigger"), in
the comment above it ("ruleid:", "VULNERABLE:"), "# ANCHOR: text of the line",
a number above it ("# Test 3", "# SHELL-003"), or any comment above a line of a
function that is named vulnerable_*.  FOLDER/labels.tsv (file, line, weak or
safe) is for files whose words a program cannot read.  A line is found if a
finding begins within the command that begins there.  Cases: a file is weak if
named as in WEAK, safe if named as in SAFE; found if anything is told of it.

A file is in the half to look at or in the held one by its name's hash, so that
nobody chooses.  Sets are fetched, not kept here: docs/ANALYSIS.md.
"""
import collections
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/analysis"))
import test_rules as rules  # noqa: E402

NOISE = {1090, 1091, 2034, 2154, 2312, 1073, 2016, 2029, 2317}
REFUSED = {1072, 1071, 1088, 1104}
HIGH = {"critical", "high", "medium"}
ON_LINE = (("safe", r"#.*(?:\bGOOD\b|safe-line|[Ss]hould NOT trigger|"
            r"\bSECURE\b)"),
           ("weak", r"#.*(?:\bBAD\b|vuln-line|[Ss]hould trigger|\bLABEL\b)"))
ABOVE = (("safe", r"\bok: |^# Safe: "),
         ("weak", r"ruleid: |(?i:\bvulnerab(?:le|ility)\b(?! *#\d))|"
          r"^# SHELL-\d+:"))
NUMBERED = re.compile(r"# Test \d+: ")
WEAK = re.compile(r"_tp\.sh$|^(?:propagation|sources|variants)/")
SAFE = re.compile(r"_safe\.sh$|_tn\.sh$|(?:^|/)(?:benign|safe_)")


def half_of(name):
    return "held" if hashlib.sha256(name.encode()).digest()[0] & 1 else "look"


# ---- marks -------------------------------------------------------------

def kind_of(comment, table):
    return next((k for k, p in table if re.search(p, comment)), None)


def labels_of(text):
    """{line: weak or safe}"""
    rows, found = text.split("\n"), {}
    waiting = function = None
    above = False
    for number, row in enumerate(rows, 1):
        bare = row.strip()
        anchor = re.match(r"# ANCHOR: (.+)", bare)
        if anchor:
            found.update((i, "weak") for i, r in enumerate(rows, 1)
                         if anchor.group(1) in r and
                         not r.strip().startswith("#"))
        elif bare.startswith("#"):
            waiting = kind_of(bare, ABOVE) or waiting or (
                "weak" if NUMBERED.match(bare) else None)
            above = not bare.startswith("#!")
        elif bare:
            start = re.match(r"(?:function )?(\w+)\s*\(\)", bare)
            function = start.group(1) if start else function
            named = above and not start and \
                (function or "").startswith("vulnerable_")
            kind = kind_of(row, ON_LINE) or waiting or (
                "weak" if named else None)
            if kind and not start and bare not in ("}", "fi", "done"):
                found[number] = kind
            waiting, above = None, False
            function = None if row == "}" else function
        else:
            waiting, above = None, False
    return found


def marked_scripts(folder, half):
    """(name, text, labels)"""
    by_hand = collections.defaultdict(dict)
    table = folder / "labels.tsv"
    for row in table.read_text().splitlines() if table.exists() else ():
        name, line, kind = row.split("\t")[:3]
        by_hand[name][int(line)] = kind
    for path in sorted(folder.glob("*.sh")):
        if half in ("all", half_of(path.name)):
            text = path.read_text(errors="replace")
            yield path.name, text, by_hand.get(path.name) or labels_of(text)


def extent(rows, line):
    """The lines of the command that begins in this one."""
    last = line
    while last < len(rows) and rows[last - 1].endswith("\\"):
        last += 1
    return range(line, last + 1)


# ---- tools -------------------------------------------------------------

def load_rules():
    match, severity, kind = {}, {}, {}
    for path in (TOP / "api/analysis/rules/shell").glob("*.rule"):
        head = rules.read_rule(path)["rule"]
        severity[path.stem] = re.search(r"^severity = (\w+)", head,
                                        re.M).group(1)
        kind[path.stem] = re.search(r"^type = (\w+)", head, re.M).group(1)
        for code in re.findall(r"^match = shellcheck SC(\d+)", head, re.M):
            match[int(code)] = path.stem
    return match, severity, kind


MATCH, SEVERITY, KIND = load_rules()


def run(words, folder):
    done = subprocess.run(["nice", "-n", "19"] + words, cwd=folder, check=False,
                          capture_output=True, timeout=120)
    return json.loads(done.stdout or b"{}")


def look(text):
    """{who: [(line, name, is warning or more, is security)]}"""
    with tempfile.TemporaryDirectory(prefix="sets-") as folder:
        (pathlib.Path(folder) / "source.sh").write_text(text)
        words, _ = rules.command_of("shell")
        own = run(words, folder)
        words, _ = rules.command_of("shellcheck")
        other = run(words, folder).get("comments", [])
        alone = run(["shellcheck", "--norc", "--format=json1", "source.sh"],
                    folder).get("comments", [])
    ours = []
    for f in own["findings"]:
        name = f["rule"][6:]
        ours.append((f["line_start"], name,
                     f.get("severity", SEVERITY[name]) in HIGH,
                     KIND[name] == "security"))
    theirs = [(f["line"], "SC%d" % f["code"],
               f["level"] in ("warning", "error"), True) for f in alone]
    refused = any(f["code"] in REFUSED for f in other)
    merged = list(ours)
    for f in () if refused else other:
        name = MATCH.get(f["code"])
        if f["code"] not in NOISE:
            merged.append((f["line"], name or "SC%d" % f["code"],
                           SEVERITY[name] in HIGH if name
                           else f["level"] == "error",
                           name is not None and KIND[name] == "security"))
    return {"ours": ours, "ShellCheck": theirs, "both": merged,
            "refused": {"ours": own["status"] != "ok",
                        "ShellCheck": refused, "both": False}}


# ---- measures ----------------------------------------------------------

def count(total, who, kind, found):
    total[who, kind, "warning"] += any(f[2] for f in found)
    total[who, kind, "anything"] += bool(found)
    total[who, kind, "security"] += any(f[2] and f[3] for f in found)


def show(total, what):
    print(dict((k, v) for k, v in total.items() if isinstance(k, str)))
    for who in ("ours", "ShellCheck", "both"):
        for kind in ("weak", "safe"):
            print("%-10s %s %s: warning or more %d, of type security %d, "
                  "anything %d, of %d" % (
                      who, kind, what, total[who, kind, "warning"],
                      total[who, kind, "security"],
                      total[who, kind, "anything"], total[kind]))


def lines(folder, half, verbose):
    total = collections.Counter()
    for name, text, labels in marked_scripts(pathlib.Path(folder), half):
        result, rows = look(text), text.split("\n")
        total["files"] += 1
        total["refused by ShellCheck"] += result["refused"]["ShellCheck"]
        for line, kind in sorted(labels.items()):
            total[kind] += 1
            here = extent(rows, line)
            for who in ("ours", "ShellCheck", "both"):
                count(total, who, kind,
                      [f for f in result[who] if f[0] in here])
            told = [f[1] for f in result["ours"] if f[0] in here and f[2]]
            if verbose and bool(told) != (kind == "weak"):
                print("%s:%d: %s: %s %s" % (name, line, kind,
                                            rows[line - 1].strip()[:90],
                                            told or ""))
    show(total, "lines")


def cases(folder, half, verbose):
    total, seen = collections.Counter(), set()
    top = pathlib.Path(folder)
    for path in sorted(top.rglob("*.sh")):
        name = str(path.relative_to(top))
        text = path.read_text(errors="replace")
        kind = "safe" if SAFE.search(name) else \
            "weak" if WEAK.search(name) else None
        code = "\n".join(r for r in text.split("\n")
                         if not r.startswith("#"))
        if kind is None or code in seen or \
                half not in ("all", half_of(path.name)):
            continue
        seen.add(code)
        total[kind] += 1
        result = look(text)
        for who in ("ours", "ShellCheck", "both"):
            count(total, who, kind, result[who])
        told = [f[:2] for f in result["ours"] if f[2]]
        if verbose and bool(told) != (kind == "weak"):
            print(name, kind, told)
    show(total, "files")


def clean(files):
    total = collections.Counter()
    for path in files:
        text = pathlib.Path(path).read_text(errors="replace")
        total["files"] += 1
        total["lines"] += text.count("\n")
        result = look(text)
        for who in ("ours", "ShellCheck", "both"):
            total[who + ", anything"] += len(result[who])
            total[who + ", warning or more"] += sum(
                f[2] for f in result[who])
        for f in result["ours"]:
            total["ours " + f[1]] += 1
        for who, is_refused in result["refused"].items():
            total["refused by " + who] += is_refused
    print(dict(total))


if __name__ == "__main__":
    if sys.argv[1] == "labels":
        for script, _, marks in marked_scripts(pathlib.Path(sys.argv[2]),
                                               "all"):
            for at, mark in sorted(marks.items()):
                print(script, at, mark, half_of(script), sep="\t")
    elif sys.argv[1] == "clean":
        clean(sys.argv[2:])
    else:
        {"lines": lines, "cases": cases}[sys.argv[1]](
            sys.argv[2], sys.argv[3], "-v" in sys.argv)
