# SPDX-License-Identifier: Apache-2.0
"""What a web application gives away: cookies, templates, origins, debugging.
PLAIN, CALLS and METHODS are rows for checks.py, which says what is in them.
"""
import ast

from checks_crypto import random_for_secret
from checks_network import all_of_them
from values import is_false, is_true


def set_cookie(flow, node, path, base, args, keywords):
    for value in args[1:2] + [keywords.get("value")]:
        random_for_secret(flow, node, "cookie", value)
    if "**" in keywords or (not args and "key" not in keywords):
        return
    words = [w for w in ("secure", "httponly")
             if w not in keywords or is_false(keywords[w])]
    explicit = [w for w in words if w in keywords]
    if words and not path.startswith("http.cookies"):
        flow.report.add("insecure-cookie", node, "The cookie is set without "
                        + " and ".join(words) + ".",
                        None if "secure" in words else "low",
                        "high" if explicit else "medium")


def jinja(flow, node, path, args, keywords):
    value = keywords.get("autoescape")
    if value is None or is_false(value):
        flow.report.add("autoescape-off", node, "What templates put in is not "
                        "escaped: it can hold scripts.",
                        confidence="medium" if value is None else "high")


def mako(flow, node, path, args, keywords):
    if "default_filters" not in keywords and any(
            not a.is_const for a in args):
        flow.report.add("autoescape-off", node, "Mako escapes nothing unless "
                        "it is told to.", confidence="medium")


def cors(flow, node, path, args, keywords):
    origins = keywords.get("allow_origins") or keywords.get("origins")
    is_any = origins is not None and (origins.const == "*" or (
        isinstance(origins.items, list) and
        any(v.const == "*" for v in origins.items)))
    if is_any and (is_true(keywords.get("allow_credentials")) or
                   is_true(keywords.get("supports_credentials"))):
        flow.report.add("cors-any-origin", node, "Any site may read answers "
                        "that are meant for a signed-in user.",
                        confidence="high")


def run_server(flow, node, path, base, args, keywords):
    if is_true(keywords.get("debug")) and flow.imports_any(
            "flask", "bottle", "quart", "dash", "sanic", "tornado"):
        flow.report.add("debug-on", node, "debug=True lets whoever causes an "
                        "error run code in the server.", confidence="high")
    all_of_them(flow, node, keywords.get("host"))


def add_middleware(flow, node, path, base, args, keywords):
    cors(flow, node, path, args, keywords)


def debug_setting(flow, target, name, value, node):
    if name == "DEBUG" and is_true(value) and flow.frame.function is None \
            and isinstance(target, ast.Name):
        flow.report.add("debug-on", node, "DEBUG = True shows settings and "
                        "source to whoever causes an error.",
                        confidence="medium")
    if isinstance(target, ast.Subscript) and is_true(value) and \
            isinstance(target.slice, ast.Constant) and \
            target.slice.value == "DEBUG":
        flow.report.add("debug-on", node, "DEBUG shows settings and source to "
                        "whoever causes an error.", confidence="medium")


PLAIN = [
    ("csrf-off", "django.views.decorators.csrf.csrf_exempt",
     "Another site can make a signed-in user's browser send this request."),
]
CALLS = {
    "jinja2.Environment": jinja, "mako.template.Template": mako,
    "flask_cors.CORS": cors, "fastapi.middleware.cors.CORSMiddleware": cors,
}
METHODS = {
    "run": run_server, "run_server": run_server, "set_cookie": set_cookie,
    "add_middleware": add_middleware,
}
