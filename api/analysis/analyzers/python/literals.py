# SPDX-License-Identifier: Apache-2.0
"""Secrets in the text: a name that says so with a value that looks so, and
shapes of well-known tokens.  A message never quotes one.
"""
import ast
import math
import re

NAME = re.compile(r"(passw(or)?d|passwd|pwd|secret|token|api_?key|apikey|"
                  r"access_?key|private_?key|auth_?key|encryption_?key|"
                  r"signing_?key|credential|conn(ection)?_?str(ing)?)s?$|"
                  r"^(pass|secret_key.*|.*_secret_key|aws_.*_key|pw)$", re.I)
NOT_NAME = re.compile(r"(field|name|label|header|param|prompt|url|uri|path|"
                      r"file|regex|pattern|type|policy|hint|placeholder|"
                      r"template|help|text|message|error|input|_id|reset|"
                      r"length|min|max|hash(ed)?)_?", re.I)
PLACEHOLDER = re.compile(
    r"^$|^(x+|\*+|\.+|-+|_+|none|null|true|false|todo|tbd|changeme\W*|"
    r"password|passwd|secret|token|string|str|key|user|admin_?password|"
    r"example.*|test(ing)?|dummy.*|fake.*|sample.*|placeholder.*|redacted|"
    r"your[-_ ].*|my[-_ ]?(secret|password|token|key)|insert.*|replace.*|"
    r"<.*>|\{.*\}|\$\{?.*|%\(.*|%s|enter.*|bearer|basic|csrf.*token)$", re.I)
SHAPES = (
    ("an AWS access key", re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36}|"
                                  r"github_pat_[A-Za-z0-9_]{60,})")),
    ("a private key", re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("a Stripe key", re.compile(r"\b[sr]k_live_[A-Za-z0-9]{16,}")),
    ("a Google key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("an OpenAI key", re.compile(r"\bsk-(proj-)?[A-Za-z0-9_-]{32,}")),
    ("a web token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]"
                               r"{10,}\.[A-Za-z0-9_-]{10,}")),
    ("a password in an address", re.compile(
        r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@{}<>%]{1,64}:([^\s/:@{}<>%$]{3,64})@"
        r"[\w.-]+")),
)
# The two of AWS's own documents, and passwords of examples.
KNOWN_EXAMPLES = re.compile(r"EXAMPLE|user:pass|:password@|:pass@|:secret@|"
                            r"username:|:pwd@|:passwd@|example\.(com|org)|"
                            r"localhost|127\.0\.0\.1", re.I)
MESSAGE = "It stands in the source, for whoever reads that, and in its history."


def look(nodes, is_test, report):
    for node in nodes:
        if isinstance(node, ast.Constant):
            shape(node, report)
        elif is_test:
            continue
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                pair(target_word(target), node.value, node, report)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pair(target_word(node.target), node.value, node, report)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values):
                if isinstance(key, ast.Constant):
                    pair(key.value, value, value, report)
        elif isinstance(node, ast.Call):
            for word in node.keywords:
                pair(word.arg, word.value, word.value, report)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            defaults(node, report)
        elif isinstance(node, ast.Compare):
            compared(node, report)


def defaults(node, report):
    args = node.args.posonlyargs + node.args.args
    for arg, value in zip(args[len(args) - len(node.args.defaults):],
                          node.args.defaults):
        pair(arg.arg, value, value, report)
    for arg, value in zip(node.args.kwonlyargs, node.args.kw_defaults):
        if value is not None:
            pair(arg.arg, value, value, report)


def compared(node, report):
    if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        sides = [node.left, node.comparators[0]]
        for side, other in (sides, sides[::-1]):
            pair(target_word(side), other, node, report)


def target_word(node):
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and \
            isinstance(node.slice, ast.Constant):
        return node.slice.value
    return None


def pair(word, value, node, report):
    if not isinstance(word, str) or not isinstance(value, ast.Constant) or \
            not isinstance(value.value, (str, bytes)):
        return
    found = value.value if isinstance(value.value, str) else \
        value.value.decode("latin-1")
    match = NAME.search(word[:80])
    if not match or NOT_NAME.search(word[:80].replace(match[0], "")):
        return
    if len(found) < 4 or len(found) > 400 or PLACEHOLDER.match(found) or \
            " " in found.strip() and not re.search(r"\d", found) or \
            found.lower() == word.lower() or not looks_secret(word, found):
        return
    report.add("hardcoded-secret", node, f"'{word[:60]}' is a fixed text. "
               + MESSAGE, confidence="high" if entropy(found) > 3
               else "medium")


def looks_secret(word, found):
    if re.search(r"passw|pwd|^pass$|^pw$|secret", word, re.I):
        # A name of a setting, a key of a dictionary, a sentence are none.
        return not re.match(r"^([a-z]+([._-][a-z]+)+|[A-Z]+(_[A-Z]+)*|/.*|"
                            r"https?:.*|[a-z]{1,4})$", found)
    return bool(re.search(r"\d", found)) and len(found) >= 8 and \
        entropy(found) > 2.5 and " " not in found and \
        not re.match(r"^(https?:|/|[a-z]+([._-][a-z]+\d?)+$)", found)


def entropy(text):
    count = {c: text.count(c) for c in set(text)}
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in count.values())


def shape(node, report):
    value = node.value
    if isinstance(value, bytes) and len(value) < 100_000:
        value = value.decode("latin-1")
    if not isinstance(value, str) or len(value) < 15:
        return
    value = value[:100_000]
    for words, pattern in SHAPES:
        match = pattern.search(value)
        if match and not KNOWN_EXAMPLES.search(match[0]):
            if words == "a private key" and len(value) < 200:
                continue  # its first line, to look for
            report.add("hardcoded-secret", node, f"This looks like {words}. "
                       + MESSAGE, confidence="high")
            return
