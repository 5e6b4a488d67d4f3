#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Python analyzer beside bandit, on sets that are not in the tree.

    tests/bench/analysis/python.py ANALYZE.PY owasp FOLDER
    tests/bench/analysis/python.py ANALYZE.PY weak FOLDER...
    tests/bench/analysis/python.py ANALYZE.PY clean FOLDER...

ANALYZE.PY: build/release/runtimes/analyze-python/analyze.py.  Needs `bandit`
(apt-get install bandit).  owasp: a checkout of OWASP-Benchmark/BenchmarkPython;
its expectedresults CSV says what is right.  weak: every file has a weakness
(s2e-lab/SecurityEval's Testcases_Insecure_Code): how many files have a finding
of type security.  clean: well-kept code (Python's own modules, flask, requests,
django): findings of type security for 1,000 lines.  Prints JSON lines.
"""
import csv
import json
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
# OWASP's category: our rules, bandit's tests.
CATEGORIES = {
    "pathtraver": ("path-traversal", ""),
    "cmdi": ("command-injection", "B602 B603 B604 B605 B606 B607"),
    "codeinj": ("code-injection", "B102 B307"),
    "deserialization": ("unsafe-deserialization", "B301 B506"),
    "hash": ("weak-hash", "B303 B324"), "ldapi": ("ldap-injection", ""),
    "redirect": ("open-redirect", ""),
    "securecookie": ("insecure-cookie", ""),
    "sqli": ("sql-injection", "B608"), "trustbound": ("trust-boundary", ""),
    "weakrand": ("weak-random", "B311"), "xpathi": ("xpath-injection", ""),
    "xss": ("cross-site-scripting", "B308 B703"),
    "xxe": ("xxe", "B313 B314 B315 B316 B317 B318 B319 B320"),
}


def security_rules():
    rules = (TOP / "api/analysis/rules/python").glob("*.rule")
    return {"python/" + r.stem for r in rules
            if re.search(r"^type = security", r.read_text(), re.M)}


def ours(analyze, files):
    """{file: rules}; None where it was not analysed"""
    result, security = {}, security_rules()
    for file in files:
        done = subprocess.run(["/usr/bin/python3", "-I", "-S", "-B", analyze,
                               str(file)], capture_output=True, timeout=120,
                              check=True)
        report = json.loads(done.stdout)
        result[file] = None if report["status"] != "ok" else [
            f["rule"][7:] for f in report["findings"] if f["rule"] in security]
    return result


def bandits(files):
    done = subprocess.run(["/usr/bin/bandit", "-q", "-f", "json",
                           *map(str, files)], capture_output=True,
                          check=False)
    report = json.loads(done.stdout)
    result = {file: [] for file in files}
    for finding in report["results"]:
        result[pathlib.Path(finding["filename"])].append(finding["test_id"])
    for error in report["errors"]:
        result[pathlib.Path(error["filename"])] = None
    return result


def owasp(folder, found, which):
    rows = [r for r in csv.reader(next(folder.glob("expectedresults*.csv"))
                                  .open()) if r and not r[0].startswith("#")]
    counts = [0, 0, 0, 0]
    for name, category, truth, *_ in rows:
        is_hit = bool(set(CATEGORIES[category][which].split()) & set(
            found[folder / "testcode" / f"{name}.py"] or ()))
        counts[(0 if is_hit else 1) + (0 if truth == "true" else 2)] += 1
    tp, fn, fp, tn = counts
    return {"true": f"{tp} of {tp + fn}", "false": f"{fp} of {fp + tn}",
            "tpr": round(tp / (tp + fn), 3), "fpr": round(fp / (fp + tn), 3)}


def main():
    analyze, kind = sys.argv[1:3]
    folders = [pathlib.Path(p).resolve() for p in sys.argv[3:]]
    files = sorted(f for folder in folders for f in (
        folder / "testcode" if kind == "owasp" else folder).rglob("*.py")
        if kind != "clean" or "/test" not in str(f))
    for which, (tool, found) in enumerate((
            ("ours", ours(analyze, files)), ("bandit", bandits(files)))):
        lost = sum(v is None for v in found.values())
        line = {"tool": tool, "set": kind, "files": len(files),
                "not_analysed": lost}
        if kind == "owasp":
            line.update(owasp(folders[0], found, which))
        elif kind == "weak":
            line["files_with_findings"] = sum(bool(v) for v in found.values())
        else:
            lines = sum(f.read_bytes().count(b"\n") for f in files)
            total = sum(len(v or ()) for v in found.values())
            line.update(lines=lines, findings=total,
                        per_1000=round(total / lines * 1000, 2))
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
