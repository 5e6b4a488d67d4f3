#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How much of known C defects is found, and how much is false alarm, beside
flawfinder and cppcheck as they are.

    c_sets.py juliet SUPPORT COUNT FILE...    the Juliet suite's test cases
                                              (COUNT of them: chosen())
    c_sets.py itc FOLDER                      the ITC benchmarks
    c_sets.py clean FILE...                   alarms a thousand lines

Juliet: a case is found if a finding of its kind (FAMILIES) is in its bad
function, a false alarm if there is one in a good function.  ITC: a marked line
is found by a finding on it or beside it; alarms are findings in the files
without defects.  Ours are the findings that have a rule of type security; the
tools run without a jail.  Sets are fetched, not kept here: docs/ANALYSIS.md.
"""
import collections
import concurrent.futures
import csv
import io
import os
import pathlib
import random
import re
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/analysis"))
import test_rules as rules  # noqa: E402

TOOLS = ("c", "gcc", "cppcheck", "flawfinder")
# Numbers of CWE that mean the same kind of defect.
FAMILIES = [
    {119, 120, 121, 122, 124, 125, 126, 127, 129, 130, 131, 135, 170, 242,
     590, 676, 680, 785, 786, 787, 788, 805, 823},
    {415, 416, 562, 590, 672, 761, 762, 763, 825},
    {401, 404, 771, 772, 773, 775}, {395, 476, 690}, {457, 665, 758, 824, 908},
    {128, 190, 191, 194, 195, 196, 197, 369, 680, 681},
    {400, 606, 770, 789}, {15, 77, 78, 88, 114, 426, 427}, {22, 23, 36, 73},
    {326, 327, 328, 330, 338, 780}, {256, 259, 321, 547, 798},
    {362, 363, 367, 377, 379}, {250, 252, 253, 271, 272, 273, 284},
    {398, 561, 563, 570, 571}, {478, 480, 481, 482, 483, 484, 571, 670, 783},
    {131, 188, 467, 468, 469, 805}, {134, 628, 685, 686, 688},
    {14, 226, 244}, {526, 532, 534, 535, 615}, {674, 835}, {364, 479}]


def family(case):
    return set().union({case}, *(f for f in FAMILIES if case in f))


def load_rules():
    """({(tool, check): name}, {name: (cwe, type, severity)})"""
    match, about = {}, {}
    for path in sorted((TOP / "api/analysis/rules/c").glob("*.rule")):
        head = rules.read_rule(path)["rule"]

        def field(name):
            m = re.search(rf"^{name} = (\S+)", head, re.M)
            return m.group(1) if m else ""
        about[path.stem] = (int(field("cwe") or 0), field("type"),
                            field("severity"))
        for tool, check in re.findall(r"^match = (\S+) (\S+)", head, re.M):
            match[tool, check] = path.stem
    return match, about


MATCH, ABOUT = load_rules()


def run(words, folder):
    import subprocess
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=120,
                          check=False)
    return done.stdout.decode("utf-8", "replace"), \
        done.stderr.decode("utf-8", "replace")


def lines_of(tool, out, err):
    """(check, line) of each finding."""
    import json
    if tool == "c":
        return [(f["rule"][2:], f["line_start"])
                for f in json.loads(out)["findings"]]
    if tool == "cppcheck":
        rows = [r.split("\t") for r in err.splitlines()]
        return [(r[3], int(r[0])) for r in rows if len(r) > 5]
    if tool == "flawfinder":
        return [(r["Name"], int(r["Line"]))
                for r in csv.DictReader(io.StringIO(out))]
    at, end = err.find("["), err.rfind("]")
    found = []
    for d in json.loads(err[at:end + 1]) if 0 <= at < end else []:
        places = [x["caret"] for x in d.get("locations", [])] + [
            x["location"] for x in reversed(d.get("path", []))
            if "location" in x]
        if d.get("option") and places:
            found.append((d["option"].split("=")[0], places[0]["line"]))
    return found


def ours(folder):
    found = set()
    for tool in TOOLS:
        words, _ = rules.command_of(tool)
        for check, line in lines_of(tool, *run(words, folder)):
            name = check if tool == "c" else MATCH.get((tool, check))
            if name is not None:
                found.add((name, ABOUT[name][0], line))
    return found


def theirs(folder):
    found = set()
    out, _ = run(["flawfinder", "--csv", "source.c"], folder)
    for row in csv.DictReader(io.StringIO(out)):
        for cwe in re.findall(r"CWE-(\d+)", row["CWEs"]) or [0]:
            found.add((row["Name"], int(cwe), int(row["Line"])))
    _, err = run(["cppcheck", "-q", "--enable=warning,style,performance,"
                  "portability", "--template={line}\t{id}\t{cwe}\t",
                  "source.c"], folder)
    for row in err.splitlines():
        cell = row.split("\t")
        if len(cell) > 3:
            found.add((cell[1], int(cell[2] or 0), int(cell[0])))
    return found


def with_source(text, support, work):
    with tempfile.TemporaryDirectory(prefix="sets-") as folder:
        (pathlib.Path(folder) / "source.c").write_text(text)
        for header in pathlib.Path(support).glob("*.h") if support else ():
            os.symlink(header.resolve(), pathlib.Path(folder) / header.name)
        return {"ours": ours(folder), "theirs": theirs(folder)} if work is \
            None else work(folder)


def juliet_case(path, support):
    text = path.read_text(errors="replace")
    case = int(re.search(r"CWE(\d+)_", path.name).group(1))
    spans, kind = [], None
    for row in text.split("\n"):
        m = re.match(r"^[A-Za-z_][\w *]*?\b(\w+)\(.*\)\s*$", row)
        if m and not row.startswith("#"):
            name = m.group(1).lower()
            kind = "good" if "good" in name else \
                "bad" if "bad" in name else None
        spans.append(kind)
    result = {}
    for who, found in with_source(text, support, None).items():
        same = [(name, spans[line - 1]) for name, cwe, line in found
                if cwe in family(case) and 0 < line <= len(spans)]
        result[who] = ("bad" in [k for _, k in same],
                       "good" in [k for _, k in same])
    return case, result


def chosen(count, files):
    """As many files, by lot but always the same; "200:300" are 300 others
    than the first 200, none of which is one of these in another flow."""
    skip, _, count = count.rpartition(":")
    random.seed(7)
    files = sorted(files)
    random.shuffle(files)
    before, files = files[:int(skip or 0)], files[int(skip or 0):]

    def kind(name):
        return re.sub(r"_\d\d\.c$", "", os.path.basename(name))
    known = {kind(f) for f in before}
    return [f for f in files if kind(f) not in known][:int(count)]


def juliet(support, count, files):
    files = chosen(count, files)
    total, per = collections.Counter(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(juliet_case, pathlib.Path(f), support)
                for f in files]
        for job in jobs:
            case, result = job.result()
            total["cases"] += 1
            per[case, "cases"] += 1
            for who, (hit, alarm) in result.items():
                total[who + " found"] += hit
                total[who + " false"] += alarm
                per[case, who] += hit
    print(dict(total))
    for case in sorted({c for c, _ in per}):
        print("CWE-%d: %d cases, ours %d, theirs %d" % (
            case, per[case, "cases"], per[case, "ours"],
            per[case, "theirs"]))


def itc(folder):
    total = collections.Counter()
    folder = pathlib.Path(folder)
    for path in sorted(folder.glob("01.w_Defects/*.c")):
        text = path.read_text(errors="replace")
        marked = [i for i, row in enumerate(text.split("\n"), 1)
                  if "ERROR" in row]
        clean = folder / "02.wo_Defects" / path.name
        total["marked"] += len(marked)
        for who, found in with_source(text, folder / "include",
                                      None).items():
            lines = {line for _, _, line in found}
            total[who + " found"] += sum(
                any(x in lines for x in (m - 1, m, m + 1)) for m in marked)
        if clean.exists():
            text = clean.read_text(errors="replace")
            total["clean lines"] += text.count("\n")
            for who, found in with_source(text, folder / "include",
                                          None).items():
                total[who + " alarms"] += len(
                    {(n, line) for n, _, line in found
                     if who == "theirs" or ABOUT[n][1] == "security"})
    print(dict(total))


def clean(files):
    total = collections.Counter()
    for f in files:
        text = pathlib.Path(f).read_text(errors="replace")
        total["lines"] += text.count("\n")
        for who, found in with_source(text, pathlib.Path(f).parent,
                                      None).items():
            found = {(n, line) for n, _, line in found}
            total[who + " alarms"] += len(found)
            if who == "ours":
                total["ours, security, not low"] += sum(
                    ABOUT[n][1] == "security" and ABOUT[n][2] != "low"
                    for n, _ in found)
    print(dict(total))


if __name__ == "__main__":
    if sys.argv[1] == "juliet":
        juliet(sys.argv[2], sys.argv[3], sys.argv[4:])
    elif sys.argv[1] == "itc":
        itc(sys.argv[2])
    else:
        clean(sys.argv[2:])
