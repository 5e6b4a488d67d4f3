#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule's own two examples, by the analyzers that find it, without a jail.

    tests/analysis/test_rules.py [LANGUAGE...]

For every api/analysis/rules/LANGUAGE/NAME.rule: what [bad] holds must be found
under exactly this rule, and what [good] holds must not.  An analyzer of our own
(one named as the language) prints our form; another's findings become a rule by
its `match =` lines, and READERS says how its output names a check.
PROMPTCRAFT_BUILD (build/release) has the built runtimes, runtimes/analyze-NAME.
An analyzer that is not installed is a failure.
"""
import configparser
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
RULES = TOP / "api/analysis/rules"
RUNTIMES = pathlib.Path(os.environ.get("PROMPTCRAFT_BUILD") or
                        TOP / "build/release") / "runtimes"
SECTIONS = ("[rule]", "[description]", "[recommendation]", "[bad]", "[good]")
# How a tool's output names its checks, as `match =` does.
READERS = {
    "gcc": lambda text: re.findall(r'"option": ?"(-W[^"=]+)', text),
    "cppcheck": lambda text: [line.split("\t")[3]
                              for line in text.splitlines()
                              if line.count("\t") >= 5],
    "flawfinder": lambda text: [row["Name"] for row in csv.DictReader(
        text.splitlines()) if row.get("Name")],
    "shellcheck": lambda text: ["SC" + code for code in
                                re.findall(r'"code":\s*(\d+)', text)],
    "eslint": lambda text: re.findall(r'"ruleId":\s*"([^"]+)"', text),
}
# Not packaged by Debian: tried where an administrator has installed it.
OPTIONAL = {"eslint": "/usr/lib/node_modules/eslint-plugin-security"}


def read_rule(path):
    parts, name = {}, None
    for line in path.read_text().split("\n"):
        if line in SECTIONS:
            name = line[1:-1]
            parts[name] = []
        elif name:
            parts[name].append(line)
    return {name: "\n".join(lines) for name, lines in parts.items()}


def folder_of(tool):
    return RUNTIMES / f"analyze-{tool}"


def command_of(tool):
    """(words, name of the source), from runtime.ini"""
    folder = folder_of(tool)
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    ini.read(folder / "runtime.ini")
    section = ini["Runtime"]
    words = section["Exec"].split()
    assert words[0].endswith("/harness"), words
    missing = [p for p in section.get("Requires", "").split()
               if not os.path.exists(p.lstrip("-"))]
    if missing:
        raise SystemExit(f"{tool}: {missing[0].lstrip('-')} is not there; "
                         f"install {section.get('RequiresHint', '?')}")
    return [w.replace("/opt/runtime", str(folder)) for w in words[1:]], \
        section["Code"]


def findings_of(tool, text):
    """The checks that an analyzer finds in a text, in order."""
    words, source = command_of(tool)
    with tempfile.TemporaryDirectory(prefix="rules-") as folder:
        (pathlib.Path(folder) / source).write_text(text)
        done = subprocess.run(words, cwd=folder, capture_output=True,
                              timeout=120, check=False,
                              env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
    out = done.stdout.decode("utf-8", "replace")
    if tool not in READERS:
        report = json.loads(out)
        if report["status"] != "ok":
            return [f"not analysed: {report.get('reason')}"]
        return [f["rule"] for f in report["findings"]]
    return READERS[tool](out + done.stderr.decode("utf-8", "replace"))


def checks(rule_id, rule):
    """What of which tool is this rule: {tool: names}."""
    language = rule_id.split("/")[0]
    result = {}
    for tool, name in re.findall(r"^match\s*=\s*(\S+)\s+(\S+)", rule["rule"],
                                 re.M):
        result.setdefault(tool, []).append(name)
    if (folder_of(language) / "runtime.ini").exists():
        result.setdefault(language, []).append(rule_id)
    return {tool: names for tool, names in result.items()
            if (folder_of(tool) / "runtime.ini").exists() and
            os.path.exists(OPTIONAL.get(tool, "/"))}


def errors_of(path):
    rule_id = f"{path.parent.name}/{path.stem}"
    rule = read_rule(path)
    lacking = [s[1:-1] for s in SECTIONS if not rule.get(s[1:-1], "").strip()]
    if lacking:
        return [f"{rule_id}: no [{lacking[0]}]"]
    tools = checks(rule_id, rule)
    if not tools:
        return [f"{rule_id}: nothing finds it"]
    errors, seen = [], {}
    for tool, names in tools.items():
        bad, good = (findings_of(tool, rule[s]) for s in ("bad", "good"))
        seen[tool] = bad
        wrong = [f for f in good if f in names or
                 f.startswith("not analysed")]
        if wrong:
            errors.append(f"{rule_id}: {tool} finds {wrong[0]} in [good]")
    if not any(f in tools[tool] for tool in seen for f in seen[tool]):
        errors.append(f"{rule_id}: not found in [bad], but {seen}")
    return errors


def main():
    languages = sys.argv[1:] or sorted(p.name for p in RULES.iterdir())
    failed = count = 0
    for language in languages:
        for path in sorted((RULES / language).glob("*.rule")):
            count += 1
            for error in errors_of(path):
                failed += 1
                print(error)
    if not count:
        raise SystemExit("no rules found")
    for tool, path in OPTIONAL.items():
        if not os.path.exists(path):
            print(f"rules: {tool} was not tried: there is no {path}")
    print(f"rules: {count} tried, {failed} errors")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
