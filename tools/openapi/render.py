#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write the OpenAPI document as one page for people.

    render.py openapi.json >docs.html

The page is complete without its script, which only adds a filter and a way to
try things (api/http/docs/script.js).  Nothing of it is inline: the server's
Content-Security-Policy forbids that.  Only the standard library.
"""

import json
import re
import sys
from html import escape
from pathlib import Path

CURL_TOKEN = '-H "Authorization: Bearer $TOKEN"'


class Page:
    def __init__(self, document):
        self.document = document
        self.lines = []

    def add(self, text):
        self.lines.append(text)

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for word in node["$ref"].removeprefix("#/").split("/"):
                target = target[word]
            node = target
        return node


# ---- text --------------------------------------------------------------------


def inline_text(text):
    """`code` is the only markup of our descriptions."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def paragraphs(text):
    return "".join(f"<p>{inline_text(part)}</p>"
                   for part in text.split("\n\n") if part)


def pretty(value):
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)


def code_block(text, label):
    # A block that scrolls must be reachable by keyboard.
    return (f'<pre tabindex="0" aria-label="{escape(label)}"><code>'
            f"{escape(text)}</code></pre>")


# ---- schemas -----------------------------------------------------------------


def type_words(page, schema):
    if "const" in schema:
        return json.dumps(schema["const"])
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    if "array" in types and "items" in schema:
        items = page.resolve(schema["items"])
        types[types.index("array")] = f"array of {type_words(page, items)}"
    for word in ("anyOf", "oneOf"):
        types += [page.resolve(one).get("title") or
                  type_words(page, page.resolve(one))
                  for one in schema.get(word, [])]
    return " or ".join(types) or "anything"


def limit_words(schema):
    names = (("minLength", "at least {} characters"),
             ("maxLength", "at most {} characters"),
             ("minimum", "at least {}"), ("maximum", "at most {}"),
             ("minItems", "at least {} of them"),
             ("maxItems", "at most {} of them"), ("format", "{}"))
    words = [text.format(schema[name]) for name, text in names
             if name in schema and (name, schema[name]) != ("minLength", 1)]
    if schema.get("minLength") == 1:
        words.insert(0, "not empty")
    if "enum" in schema:
        words.append("one of " + ", ".join(
            json.dumps(value).strip('"') for value in schema["enum"]))
    if "default" in schema:
        words.append("default " + json.dumps(schema["default"]))
    if schema.get("additionalProperties") is False:
        words.append("other fields are refused")
    return "; ".join(words)


def children(page, schema):
    """What is inside: (heading, schema) of each; a field's heading is None."""
    schema = page.resolve(schema)
    if "properties" in schema:
        return [(None, schema)]
    if "items" in schema:
        return children(page, schema["items"])
    other = schema.get("additionalProperties")
    if isinstance(other, dict):
        return children(page, other)
    found = []
    for one in schema.get("anyOf", []) + schema.get("oneOf", []):
        one = page.resolve(one)
        if "properties" in one:
            found.append((one.get("title"), one))
    return found


def field_line(page, name, schema, is_required):
    limits = limit_words(schema)
    text = inline_text(schema.get("description", ""))
    return (f'<code class="name">{escape(name)}</code> '
            f'<span class="type">{escape(type_words(page, schema))}</span>'
            + ('' if is_required else ' <span class="optional">optional</span>')
            + (f' <span class="limits">{escape(limits)}</span>' if limits
               else "") + (f' <span class="text">{text}</span>' if text
                           else ""))


def schema_list(page, schema):
    required = schema.get("required", [])
    out = ['<ul class="fields">']
    for name, value in schema["properties"].items():
        value = page.resolve(value)
        line = field_line(page, name, value, name in required)
        inner = "".join(
            (f"<p>{escape(heading)}</p>" if heading else "")
            + schema_list(page, one) for heading, one in children(page, value))
        if inner:
            out.append(f"<li><details><summary>{line}</summary>{inner}"
                       "</details></li>")
        else:
            out.append(f"<li>{line}</li>")
    return "".join([*out, "</ul>"])


def schema_block(page, schema):
    schema = page.resolve(schema)
    inside = children(page, schema)
    text = paragraphs(schema.get("description", ""))
    if not inside:
        return text + f"<p>{escape(type_words(page, schema))}</p>"
    return text + "".join(
        (f"<p>{escape(heading)}:</p>" if heading else "")
        + schema_list(page, one) for heading, one in inside)


# ---- operations --------------------------------------------------------------


def media_block(page, kind, media):
    page.add(f'<p class="media"><code>{escape(kind)}</code></p>')
    page.add(schema_block(page, media["schema"]))
    for name, example in media.get("examples", {}).items():
        page.add(f"<details class=\"example\"><summary>Example: "
                 f"{escape(example['summary'])}</summary>")
        page.add(code_block(pretty(example["value"]), f"Example {name}"))
        page.add("</details>")


def parameter_table(page, op):
    found = [page.resolve(one) for one in op.get("parameters", [])]
    if not found:
        return
    page.add('<h4>Parameters</h4><table class="parameters"><thead><tr>'
             '<th scope="col">Name</th><th scope="col">In</th>'
             '<th scope="col">What</th></tr></thead><tbody>')
    for one in found:
        schema = page.resolve(one["schema"])
        words = "; ".join(filter(None, [type_words(page, schema),
                                        limit_words(schema)]))
        page.add(
            f'<tr data-name="{escape(one["name"])}" data-in="{one["in"]}">'
            f'<th scope="row"><code>{escape(one["name"])}</code>'
            f'{" <span>required</span>" if one.get("required") else ""}</th>'
            f'<td>{one["in"]}</td><td>'
            f'{inline_text(one.get("description", ""))} '
            f'<span class="limits">{escape(words)}</span></td></tr>')
    page.add("</tbody></table>")


def first_example(op):
    media = op.get("requestBody", {}).get("content", {}).get(
        "application/json", {})
    for example in media.get("examples", {}).values():
        return example["value"]
    return None


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def curl_of(op, method, path):
    words = ["curl"]
    if "text/event-stream" in json.dumps(op["responses"]):
        words.append("-N")
    if method != "GET":
        words += ["-X", method]
    if op["security"]:
        words.append(CURL_TOKEN)
    body = first_example(op)
    if "requestBody" in op:
        shown = json.dumps(body, ensure_ascii=False) if body else "{...}"
        words += ["-H 'Content-Type: application/json'", "-d", quoted(shown)]
    words.append('"$URL' + path.replace("{id}", "$ID") + '"')
    return " ".join(words)


def who_may(op):
    words = ["anybody, without a token" if not op["security"]
             else "a token is needed"]
    if any("scrape" in one for one in op["security"]):
        words.append("PROMPTCRAFT_METRICS_TOKEN will do")
    if op.get("deprecated"):
        words.append("out of date")
    return "; ".join(words)


def response_blocks(page, op):
    page.add("<h4>Answers</h4>")
    problems = []
    for status, answer in op["responses"].items():
        content = answer.get("content", {})
        if list(content) == ["application/problem+json"]:
            problems.append((status, answer["description"]))
            continue
        page.add(f'<div class="answer"><p><strong>{status}</strong> '
                 f'{inline_text(answer["description"])}</p>')
        for kind, media in content.items():
            media_block(page, kind, media)
        page.add("</div>")
    page.add('<table class="problems"><caption>Problems, as '
             '<code>application/problem+json</code></caption><tbody>')
    for status, text in problems:
        page.add(f'<tr><th scope="row">{status}</th>'
                 f"<td>{inline_text(text)}</td></tr>")
    page.add("</tbody></table>")


def operation(page, method, path, op):
    page.add(f'<article id="{op["operationId"]}" data-method="{method}" '
             f'data-path="{escape(path)}"><details><summary><h3>'
             f'<span class="method {method.lower()}">{method}</span> '
             f'<code>{escape(path)}</code></h3> '
             f'<span class="what">{inline_text(op["summary"])}</span>'
             '</summary><div class="inside">')
    page.add(paragraphs(op.get("description", "")))
    page.add(f'<p class="who">{escape(who_may(op))}</p>')
    parameter_table(page, op)
    if "requestBody" in op:
        page.add('<h4>Body</h4><div class="request">')
        for kind, media in op["requestBody"]["content"].items():
            media_block(page, kind, media)
        page.add("</div>")
    response_blocks(page, op)
    page.add('<h4>With curl</h4><div class="curl">')
    page.add(code_block(curl_of(op, method, path), "curl command"))
    page.add("</div></div></details></article>")


# ---- the page ----------------------------------------------------------------


def by_tag(document):
    groups = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, op in item.items():
            groups[op["tags"][0]].append((method.upper(), path, op))
    return groups


def navigation(page, groups):
    page.add('<nav aria-label="Operations"><div id="filter"></div>')
    for tag, operations in groups.items():
        page.add(f"<h2>{escape(tag)}</h2><ul>")
        for method, path, op in operations:
            page.add(f'<li><a href="#{op["operationId"]}">'
                     f'<span class="method {method.lower()}">{method}</span> '
                     f'{escape(path)}</a></li>')
        page.add("</ul>")
    page.add("</nav>")


def render(document):
    page, info = Page(document), document["info"]
    groups = by_tag(document)
    page.add('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
             '<meta name="viewport" content="width=device-width, '
             'initial-scale=1"><meta name="color-scheme" content="light dark">'
             f'<title>{escape(info["title"])} API</title>'
             '<link rel="stylesheet" href="/docs/style.css">'
             '<script type="module" src="/docs/script.js"></script></head>'
             '<body><a class="skip" href="#main">To the operations</a>')
    page.add(f'<header><h1>{escape(info["title"])} API '
             f'<small>{escape(info["version"])}</small></h1>'
             f'<p>{inline_text(info["summary"])}. This page as data: '
             '<a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
             '<div id="token"></div></header>')
    navigation(page, groups)
    page.add('<main id="main" tabindex="-1">')
    page.add(paragraphs(info["description"]))
    for tag in document["tags"]:
        page.add(f'<section><h2>{escape(tag["name"])}</h2>'
                 f'{paragraphs(tag["description"])}')
        for method, path, op in groups[tag["name"]]:
            operation(page, method, path, op)
        page.add("</section>")
    page.add("</main></body></html>")
    return "\n".join(page.lines) + "\n"


def main():
    document = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    sys.stdout.write(render(document))


if __name__ == "__main__":
    main()
