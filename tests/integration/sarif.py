# SPDX-License-Identifier: Apache-2.0
"""The members of a SARIF 2.1.0 log that the standard (OASIS, section 3) asks
for or gives a form to, as far as our logs have them.

    sarif.check(log)    # raises AssertionError with the path of what is wrong

A schema is: a type, a tuple of allowed values, a compiled pattern, [schema] for
a list, {"name": schema, "name?": schema} for an object, or a function.  A name
that is not in an object's schema is an error: the standard's objects are closed
(but property bags).
"""

import re

URI = re.compile(r"(?:[A-Za-z0-9._~/-]|%[0-9a-f]{2}|^file:)+\Z")
LEVEL = ("none", "note", "warning", "error")
ANY = object()


def positive(value):
    return type(value) is int and value >= 1


def natural(value):
    return type(value) is int and value >= 0


MESSAGE = {"text": str}
ARTIFACT_LOCATION = {"uri": URI}
REGION = {"startLine": positive, "endLine?": positive,
          "startColumn?": positive}
LOCATION = {"physicalLocation": {"artifactLocation": ARTIFACT_LOCATION,
                                 "region?": REGION}}
RULE = {"id": str, "shortDescription?": MESSAGE, "fullDescription?": MESSAGE,
        "help?": MESSAGE, "helpUri?": re.compile(r"https?://"),
        "defaultConfiguration?": {"level": LEVEL}, "properties?": ANY}
RESULT = {"ruleId": str, "ruleIndex": natural, "kind": ("fail",),
          "level": LEVEL, "message": MESSAGE, "locations": [LOCATION],
          "partialFingerprints": ANY, "properties?": ANY}
RUN = {
    "tool": {
        "driver": {"name": str, "fullName?": str,
                   "semanticVersion?": re.compile(r"\d+\.\d+\.\d+\Z"),
                   "rules": [RULE]},
        "extensions?": [{"name": str, "version?": str}],
    },
    "invocations": [{
        "executionSuccessful": bool,
        "toolExecutionNotifications": [{
            "level": LEVEL, "message": MESSAGE, "locations?": [LOCATION]}],
    }],
    "artifacts?": [{"location": ARTIFACT_LOCATION, "length?": natural,
                    "sourceLanguage?": str}],
    "results": [RESULT],
    "columnKind?": ("utf16CodeUnits", "unicodeCodePoints"),
}
LOG = {"$schema?": re.compile("https://"), "version": ("2.1.0",),
       "runs": [RUN]}


def check(value, schema=LOG, path="$"):
    if schema is ANY:
        return
    if isinstance(schema, dict):
        check_object(value, schema, path)
    elif isinstance(schema, list):
        assert isinstance(value, list), f"{path} is no list"
        for i, item in enumerate(value):
            check(item, schema[0], f"{path}[{i}]")
    elif isinstance(schema, tuple):
        assert value in schema, f"{path} is {value!r}"
    elif isinstance(schema, re.Pattern):
        assert isinstance(value, str) and schema.match(value), \
            f"{path} is {value!r}"
    elif isinstance(schema, type):
        assert type(value) is schema, f"{path} is {value!r}"
    else:
        assert schema(value), f"{path} is {value!r}"
    if path == "$":
        check_indexes(value)


def check_object(value, schema, path):
    assert isinstance(value, dict), f"{path} is no object"
    names = {name.rstrip("?"): part for name, part in schema.items()}
    for name in schema:
        assert name.endswith("?") or name in value, f"{path}.{name} is missing"
    for name, part in value.items():
        assert name in names, f"{path}.{name} is not known"
        check(part, names[name], f"{path}.{name}")


def check_indexes(log):
    """A result's rule is the one that its index names."""
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        ids = [rule["id"] for rule in rules]
        assert len(ids) == len(set(ids)), ids
        for result in run["results"]:
            assert result["ruleId"] in ids[result["ruleIndex"]:][:1]
            region = result["locations"][0]["physicalLocation"]["region"]
            assert region.get("endLine", 1 << 30) >= region["startLine"]
            prints = result["partialFingerprints"]
            assert prints and all(isinstance(p, str) and p
                                  for p in prints.values())
