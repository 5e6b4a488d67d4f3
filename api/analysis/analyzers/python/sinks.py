# SPDX-License-Identifier: Apache-2.0
"""Where data does harm: arguments of calls, what a view returns, what goes
into a session or a header.  models.py has the tables.
"""
import ast
import re

import checks
import models
from expressions import Expressions
from values import BIT, HOLE, held, is_unknown

SQL = re.compile(r"^\W*(select\b.*\bfrom\b|insert\s+(or\s+\w+\s+)?into\b|"
                 r"update\b.*\bset\b|delete\s+from\b|drop\s+(table|user|"
                 r"database)\b|alter\s+table\b|create\s+(table|user|database|"
                 r"index|view)\b|with\b.*\bselect\b|replace\s+into\b|"
                 r"truncate\s+table\b|exec\b|call\b|grant\b|merge\b|"
                 r"pragma\b|select\b.*\0|where\b|attach\b)", re.I | re.S)
# Names that a program, and not its caller, chooses.
FIXED_HOST = re.compile(r"^\s*\w+://[^/\0]+[/?#]")
RANK = {"random": 0, "file": 1, "env": 2, "param": 3, "input": 4, "net": 5,
        "http": 6}
HOW = {"sql": " in the text of the query", "cmd": " as part of a command",
       "path": " in a file's name", "ssrf": " as an address",
       "deserialize": " as data to restore"}


class Sinks(Expressions):
    def check_sinks(self, node, path, base, args, keywords):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if path in models.SHELL_CALLS:
            self.check_subprocess(node, args, keywords)
            return
        sink = models.SINKS.get(path)
        if sink is None and name:
            sink = models.METHOD_SINKS.get(name)
            if sink is not None and path.startswith(
                    ("re.", "logging.", "asyncio.", "unittest.")):
                sink = None
            if sink is None and name in models.LOG_METHODS and \
                    re.search(r"(^|\.|_)log(ger|ging)?$",
                              self.path_of(node.func.value) or ""):
                sink = models.SINKS["logging.info"]
            if sink is None and name in models.PATH_METHODS and \
                    "pathlib." in base.type:
                self.found(node, models.SINKS["open"], base)
                return
            if sink is None and name in ("find", "find_one", "update_one",
                                         "delete_one", "delete_many",
                                         "aggregate", "update_many",
                                         "count_documents") and args and \
                    self.imports_any("pymongo", "flask_pymongo",
                                     "mongoengine", "motor"):
                self.check_mongo(node, args[0])
            if sink is None and name in ("search", "modify_s", "search_s") and \
                    self.imports_any("ldap", "ldap3") and \
                    not path.startswith("re."):
                sink = models.SINKS["ldap3.Connection.search"]
            if sink is None and name in ("find", "findall", "iterfind",
                                         "findtext") and args and \
                    self.imports_any("xml", "lxml") and "[" in (
                        args[0].text or ""):
                sink = models.SINKS["lxml.etree.XPath"]
            if sink is None and name == "save" and args and any(
                    s.kind == "http" for s in held(args[0])) and \
                    self.is_built(models.SINKS["open"], args[0]):
                sink = models.SINKS["open"]
            if sink is None and name in ("add", "set", "add_header") and \
                    base.type.endswith(("Headers", ".headers")):
                sink = models.HEADER
        if sink is None:
            return
        if sink.rule == "xxe":
            if self.has_safe_parser(args, keywords):
                return
        given = [args[i] for i in sink.args if i < len(args)]
        given += [keywords[n] for n in sink.names if n in keywords]
        for value in given:
            self.found(node, sink, value)

    def has_safe_parser(self, args, keywords):
        parser = keywords.get("parser") or (args[1] if len(args) > 1 else None)
        return parser is not None and "safe" in (parser.text or "")

    def check_mongo(self, node, query):
        sink = models.Sink("nosql-injection", "nosql")
        inner = query.items.get("$where") if isinstance(query.items, dict) \
            else None
        if inner is not None:
            self.found(node, sink, inner)
        elif query.items is None:
            self.found(node, sink, query)

    def check_subprocess(self, node, args, keywords):
        command = args[0] if args else keywords.get("args")
        if command is None:
            return
        shell = keywords.get("shell")
        sink = models.SINKS["os.system"]
        if shell is not None and not (shell.is_const and not shell.const):
            if isinstance(command.items, list) and command.items:
                command = command.items[0]
            self.found(node, sink, command)
            return
        items = command.items
        if isinstance(items, list) and items:
            # The program itself, or what a shell among the words runs.
            first = items[0]
            if held(first):
                self.found(node, sink, first)
            names = [v.text for v in items if v.text]
            if any(n.rsplit("/", 1)[-1] in ("sh", "bash", "dash", "zsh",
                                            "cmd.exe", "powershell")
                   for n in names) and any(
                       n in ("-c", "/c", "-lc", "-Command") for n in names):
                for item in items[1:]:
                    self.found(node, sink, item)
        elif items is None:
            strong = {s: b for s, b in held(command).items()
                      if s.kind in ("http", "net")}
            if strong:
                self.found(node, sink, command.but(taint=strong))

    def found(self, node, sink, value, built=None):
        """An argument of a sink: report what can do harm there."""
        if built is None:
            built = self.is_built(sink, value)
        if not self.fits_sink(sink, value):
            return
        self.report_sink(node, sink, value, built)
        if not held(value) and sink.rule in ("unsafe-deserialization",
                                             "code-injection",
                                             "command-injection",
                                             "sql-injection"):
            self.report_unknown(node, sink, value)

    def is_built(self, sink, value):
        text = value.text
        if text is None or HOLE not in text:
            return False
        if sink.harm == "path":
            head = text.split(HOLE, 1)[0]
            return "/" in head or "\\" in head
        if sink.harm == "ssrf":
            return True
        return bool(text.replace(HOLE, "").strip())

    def fits_sink(self, sink, value):
        text = value.text
        if sink.harm == "ssrf" and text and FIXED_HOST.match(text):
            return False
        if sink.harm == "redirect" and text and (
                FIXED_HOST.match(text) or re.match(r"/[^/\\\0]", text)):
            return False
        if sink.harm == "sql" and text and HOLE in text and \
                text.replace(HOLE, "").strip():
            return bool(SQL.match(text.lstrip(HOLE + " \n\t("))) or bool(
                re.search(r"['\"]%?\0|=\s*\0|\blike\s*\0", text, re.I))
        return True

    def live(self, sink, value):
        """The sources that can still do this harm here."""
        bit = BIT[sink.harm]
        result = []
        for source, harms in held(value).items():
            if harms & bit and not (self.state.get(("harmless", source))
                                    or 0) & bit:
                result.append(source)
        return result

    def report_sink(self, node, sink, value, built):
        sources = self.live(sink, value)
        if not sources:
            return
        best = None
        for source in sources:
            if source.kind == "param" and source.index >= 0:
                function = self.owner_of(source)
                if function is self.frame.function:
                    self.frame.summary.sinks.append(
                        (source, sink, node, built))
                if sink.direct == "built" and not built:
                    continue
                if function is not None and not function.is_public:
                    continue
            elif source.kind in ("input", "env", "file") and not built and \
                    sink.harm in ("path", "ssrf"):
                continue  # whoever starts a program may name its files
            if best is None or RANK[source.kind] > RANK[best.kind]:
                best = source
        if best is None:
            return
        what = models.RULE_NAMES.get(sink.rule, sink.rule)
        where = call_words(node)
        confidence = models.CONFIDENCE[best.kind]
        if best.kind in ("env", "file") and sink.harm in ("path", "ssrf"):
            confidence = "low"
        if best.kind == "param" and sink.harm in ("path", "regex", "ssrf"):
            confidence = "low"
        line = f" (line {best.line})" if best.line != node.lineno else ""
        self.report.add(sink.rule, node, f"{what}: {best.words}{line} reaches "
                        f"{where}{HOW.get(sink.harm, '')}.",
                        confidence=confidence)

    def owner_of(self, source):
        """The function whose parameter it is: this one, or one around it."""
        function = inner = self.frame.function
        while function is not None and \
                not function.has_parameter(source.name, source.line):
            function = function.parent
        return function or inner

    def report_unknown(self, node, sink, value):
        """Nothing says where it comes from: worth a look, no more."""
        if not is_unknown(value) or self.frame.is_test:
            return
        what = models.RULE_NAMES[sink.rule]
        if sink.harm in ("sql", "cmd"):
            text = value.text
            if not text or HOLE not in text:
                return
            if sink.harm == "sql" and not re.search(
                    r"['\"]%?\0|=\s*\0|\(\s*\0", text):
                return
        self.report.add(sink.rule, node, f"{what}: {call_words(node)} is given "
                        "what is not a constant, from a place that is not "
                        "known.", severity="medium", confidence="low")

    def check_return(self, node, value):
        """What a view gives back is sent as HTML."""
        frame = self.frame
        checks.returned(self, node, value)
        if not frame.is_view or frame.view_kind != "html":
            return
        if isinstance(value.items, list) and value.items:
            value = value.items[0]
        if value.items is not None or value.type.startswith(
                ("flask.", "http.", "django.", "json.", "aiohttp.")) and \
                value.text is None and value.type != "http.data":
            return
        if isinstance(node.value, (ast.Call, ast.Dict, ast.List)) and \
                value.text is None:
            return
        strong = {s: b for s, b in held(value).items() if s.kind == "http"}
        if strong:
            sink = models.Sink("cross-site-scripting", "xss")
            self.found(node, sink, value.but(taint=strong, items=None))

    def check_store(self, target, base, key, value, node):
        """session[...] = data; headers[...] = data."""
        path = (self.path_of(target.value) or "").lower()
        last = base.type.rsplit(".", 1)[-1] or path.rsplit(".", 1)[-1]
        if last == "session":
            for given in (value, key):
                strong = {s: b for s, b in held(given).items()
                          if s.kind == "http"}
                self.found(node, models.Sink("trust-boundary", "trust"),
                           given.but(taint=strong, items=None))
        elif key.const == "Location" and isinstance(key.const, str) and \
                base.type.startswith(("django.http.", "flask.")):
            self.found(node, models.SINKS["flask.redirect"], value)
        elif last == "headers" or last == "response" or \
                base.type.startswith("django.http.Http"):
            strong = {s: b for s, b in held(value).items()
                      if s.kind in ("http", "net")}
            self.found(node, models.Sink("header-injection", "header"),
                       value.but(taint=strong, items=None))


def call_words(node):
    """eval(), cursor.execute(): short, of names only."""
    if not isinstance(node, ast.Call):
        return "what is returned" if isinstance(node, ast.Return) else \
            "an assignment"
    func, names = node.func, []
    while isinstance(func, ast.Attribute) and len(names) < 3:
        names.append(func.attr)
        func = func.value
    if isinstance(func, ast.Name):
        names.append(func.id)
    return ".".join(reversed(names))[:80] + "()"
