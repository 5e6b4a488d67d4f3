# SPDX-License-Identifier: Apache-2.0
"""What a call gives back: data from outside, what a cleaner leaves of it, what
strings and containers make of it.
"""
import ast
import re

import guards
import models
from expressions import Expressions, text_of
from values import (ALL, CLEAN, HOLE, ITEMS_MAX, NOTHING, Value, constant,
                    held, is_false, is_unknown, join, merge_taint, without)

# What a function of elsewhere that is handed the request gives back is of it.
OF_REQUEST = re.compile(r"wrap|request|param|data|form|parse|extract|input|"
                        r"body|payload", re.I)
CLEANER_NAME = re.compile(r"(^|_)(sanit|escape|safe|clean|neutrali|"
                          r"secure_file|slugify|quote|purify)", re.I)
STRING_METHODS = set("upper lower strip lstrip rstrip replace title "
                     "capitalize startswith endswith isdigit isalpha isalnum "
                     "zfill removeprefix removesuffix swapcase casefold "
                     "find index count".split())


def named_by_text(path, args):
    """__import__("os") is os, and getattr(os, "system") is os.system."""
    if path in ("__import__", "importlib.import_module") and args and \
            isinstance(args[0].const, str):
        return args[0].const
    if path == "getattr" and len(args) > 1 and args[0].type and \
            isinstance(args[1].const, str):
        return f"{args[0].type}.{args[1].const}"
    return ""


class Results(Expressions):
    def result(self, node, path, base, args, keywords):
        func = node.func
        name = func.attr if isinstance(func, ast.Attribute) else \
            getattr(func, "id", "")
        own = self.own_call(node, base, args, keywords)
        if own is not None:
            return own
        named = named_by_text(path or name, args)
        if named:
            return Value(type=named, unknown=True)
        kind = models.CALL_SOURCES.get(path)
        if kind is not None:
            return self.source(kind, (path or name) + "()", node, type=path)
        if path == "http.request." + name:
            if name in models.REQUEST_DATA:
                return self.source("http", f"request.{name}()", node,
                                   type="http.data")
            return Value(type=path, unknown=True)
        if path.startswith("random.") and not path.startswith((
                "random.SystemRandom", "random.seed")):
            value = self.source("random", path + "()", node, type=path)
            return value
        if isinstance(func, ast.Attribute):
            if name in models.READ_METHODS:
                made = models.READS.get(base.type)
                if made is not None:
                    return self.source(made, f"a file ({base.type})", node)
            special = self.method_result(node, name, base, args, keywords)
            if special is not None:
                return special
        everything = args + list(keywords.values())
        taint = merge_taint(*(held(v) for v in everything),
                            held(base) if isinstance(func, ast.Attribute)
                            else {})
        harmless = self.cleaned_by(node, path, name, keywords)
        if harmless == 0 and OF_REQUEST.search(name) and any(
                a.type == "http.request" for a in args):
            return self.source("http", f"the request, by {name[:60]}()", node,
                               type="http.data")
        known = self.known_call(path, name, args, node)
        if known is not None:
            return known
        if path == "lxml.etree.XMLParser":
            safe = is_false(keywords.get("resolve_entities"))
            return Value(type=path, text="safe" if safe else None)
        if path in ("yaml.safe_load", "json.load", "json.loads"):
            return Value(without(taint, harmless), type="http.data" if any(
                s.kind == "http" for s in taint) else "", unknown=True)
        text = None
        if path in ("re.fullmatch", "re.match") and args and \
                isinstance(args[0].const, str):
            if guards.is_whole_pattern(args[0].const, path[3:]):
                text = "whole"
        elif path in ("re.compile.fullmatch", "re.compile.match"):
            if base.text and guards.is_whole_pattern(base.text, path[11:]):
                text = "whole"
        elif path == "re.compile" and args and isinstance(
                args[0].const, str):
            text = args[0].const
        elif path in ("str", "bytes", "os.path.abspath", "os.path.realpath",
                      "os.path.normpath", "os.fspath", "sqlalchemy.text",
                      "pathlib.Path", "os.path.expanduser", "textwrap.dedent",
                      "sqlalchemy.sql.text", "pathlib.PurePath",
                      "base64.b64decode", "base64.urlsafe_b64decode"):
            text = args[0].text if args else None
            if path in ("str",) and args:
                path = args[0].type
        elif path in ("os.path.join", "pathlib.Path.joinpath",
                      "urllib.parse.urljoin"):
            parts = args if "Path." not in path else [base] + args
            text = "/".join(text_of(v) for v in parts)
        unknown = True
        if harmless or path.startswith(("base64.", "urllib.parse.")) or path in (
                "str", "bytes", "os.path.join"):
            unknown = any(is_unknown(v) for v in everything)
        if held(base) and base.type.startswith("http.") and not path.count(
                "http.request"):
            path = "http.data"
        return Value(without(taint, harmless), type=path[:200], text=text,
                     unknown=unknown and harmless != ALL)

    def cleaned_by(self, node, path, name, keywords):
        if path in models.CLEANERS:
            return models.CLEANERS[path]
        if path.startswith(models.CLEANER_PREFIXES):
            return ALL
        if isinstance(node.func, ast.Attribute) and \
                name in models.METHOD_CLEANERS:
            return models.METHOD_CLEANERS[name]
        if CLEANER_NAME.search(name) and "unsafe" not in name and \
                not name.endswith("_load"):
            if "escape" in name or "quote" in name:
                return ALL & ~models.bits("path redirect ssrf deserialize") \
                    if "html" not in name else models.bits("xss")
            return ALL
        return 0

    def known_call(self, path, name, args, node):
        """Constants of constants."""
        if path == "len" and len(args) == 1:
            if args[0].is_const and isinstance(args[0].const, (str, bytes)):
                return constant(len(args[0].const))
            return CLEAN
        if path in ("dict", "list", "set", "tuple") and not args and \
                not node.keywords:
            return Value(items={} if path == "dict" else [])
        if path in ("configparser.ConfigParser",
                    "configparser.RawConfigParser"):
            return Value(items={}, type=path)
        if path == "io.StringIO":
            first = args[0] if args else constant("")
            return first.but(type=path, const=NOTHING,
                             text=text_of(first))
        if path in ("list", "tuple", "sorted", "reversed") and \
                len(args) == 1 and isinstance(args[0].items, list):
            return args[0]
        return None

    def method_result(self, node, name, base, args, keywords):
        """Of strings and containers; None: as any call."""
        owner = self.path_of(node.func.value)
        if base.type.startswith("configparser.") and base.items is not None:
            return self.config_method(owner, name, base, args)
        if base.type == "io.StringIO":
            if name == "write" and args and owner:
                self.state.vars[owner] = Value(
                    merge_taint(held(base), held(args[0])), type=base.type,
                    text=((base.text or "") + text_of(args[0]))[:2000],
                    unknown=base.unknown or is_unknown(args[0]))
                return CLEAN
            if name == "getvalue":
                return base.but(type="")
        if isinstance(base.items, list) and owner:
            found = self.list_method(owner, name, base, args)
            if found is not None:
                return found
        if isinstance(base.items, dict):
            found = self.dict_method(owner, name, base, args)
            if found is not None:
                return found
        if name in ("append", "add", "extend", "insert", "update",
                    "setdefault", "put", "write", "push", "appendleft") and \
                owner and base.items is None and not base.type.startswith(
                    ("open", "http.", "flask", "codecs", "io.")):
            given = merge_taint(*(held(a) for a in args))
            if given:
                self.state.vars[owner] = base.but(
                    taint=merge_taint(held(base), given), const=NOTHING)
            return CLEAN
        if name == "format" and (base.text is not None):
            values = args + list(keywords.values())
            text = re.sub(r"\{[^{}]*\}", HOLE, base.text)
            return Value(merge_taint(held(base), *(held(v) for v in values)),
                         text=text, unknown=any(is_unknown(v)
                                                for v in values))
        if name == "join" and base.text is not None and args:
            text = text_of(args[0]) if args[0].text else HOLE
            if isinstance(args[0].items, list):
                text = base.text.join(text_of(v) for v in args[0].items)
                if all(v.is_const for v in args[0].items) and HOLE not in text:
                    return constant(text)
            return Value(held(args[0]), text=text,
                         unknown=is_unknown(args[0]))
        if base.is_const and isinstance(base.const, str) and \
                name in STRING_METHODS and all(a.is_const for a in args):
            try:
                return constant(getattr(base.const, name)(
                    *(a.const for a in args)))
            except (TypeError, ValueError):
                return None
        if name in ("encode", "decode", "strip", "lower", "upper", "lstrip",
                    "rstrip", "title", "expandtabs"):
            return base.but(const=NOTHING, type=base.type
                            if name == "strip" else "")
        if name == "replace" and len(args) == 2 and args[0].is_const:
            taint = held(base)
            cleans = guards.PARTS.get(args[0].const, 0) \
                if isinstance(args[0].const, str) else 0
            # '../' taken out leaves '../' of '....//'.
            cleans &= ~models.bits("path zip sql")
            if args[0].const in ("\n", "\r"):
                cleans = models.bits("log header")
            return Value(merge_taint(without(taint, cleans), held(args[1])),
                         text=base.text, unknown=base.unknown)
        return None

    def config_method(self, owner, name, base, args):
        key = tuple(a.const if a.is_const else None for a in args[:2])
        if name == "set" and len(args) == 3 and owner:
            self.state.vars[owner] = base.but(
                items={**base.items, repr(key): args[2]}
                if len(base.items) < ITEMS_MAX else None)
            return CLEAN
        if name == "get" and len(args) >= 2:
            return base.items.get(repr(key), Value(held(base), unknown=True))
        return None

    def list_method(self, owner, name, base, args):
        items = list(base.items)
        if name == "append" and len(args) == 1 and len(items) < ITEMS_MAX:
            items.append(args[0])
        elif name == "insert" and len(args) == 2 and \
                isinstance(args[0].const, int) and len(items) < ITEMS_MAX:
            items.insert(args[0].const, args[1])
        elif name == "extend" and isinstance(args and args[0].items, list):
            items = (items + args[0].items)[:ITEMS_MAX * 2]
        elif name == "pop" and len(args) <= 1 and items and \
                (not args or isinstance(args[0].const, int)):
            where = args[0].const if args else -1
            if not -len(items) <= where < len(items):
                return None
            taken = items.pop(where)
            self.state.vars[owner] = base.but(items=items)
            return taken
        elif name in ("append", "insert", "extend", "remove", "sort",
                      "reverse", "clear"):
            self.state.vars[owner] = base.but(
                items=None, taint=merge_taint(
                    held(base), *(held(a) for a in args)),
                unknown=is_unknown(base) or any(is_unknown(a) for a in args))
            return CLEAN
        else:
            return None
        self.state.vars[owner] = base.but(items=items)
        return CLEAN

    def dict_method(self, owner, name, base, args):
        if name in ("get", "pop", "setdefault") and args and \
                args[0].is_const and isinstance(args[0].const, (str, int)):
            found = base.items.get(args[0].const)
            default = args[1] if len(args) > 1 else CLEAN
            if found is None:
                return join(default, Value(base.taint, unknown=True)) \
                    if base.taint else default
            return found
        if name == "get" and args:
            # A table of fixed values: whatever is asked for, one of them.
            inner = merge_taint(*(held(v) for v in base.items.values()),
                                *(held(a) for a in args[1:]))
            return Value(merge_taint(base.taint, inner), unknown=False)
        if name == "update" and owner:
            self.state.vars[owner] = base.but(
                items=None, taint=merge_taint(
                    held(base), *(held(a) for a in args)))
            return CLEAN
        if name in ("values", "items"):
            return Value(held(base), unknown=is_unknown(base))
        if name == "keys":
            return Value(base.taint)
        return None
