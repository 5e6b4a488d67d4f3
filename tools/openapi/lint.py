#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Find what is wrong in an OpenAPI 3.1 document of ours.

    lint.py openapi.json

Prints a line a fault; exit 1 if there are any.  Needs python3-jsonschema, for
the meta-schema of JSON Schema 2020-12 and for the examples.  Which objects may
have which members is a table (SHAPES), after the specification's text.
"""

import json
import re
import sys
from pathlib import Path

import jsonschema

from strict import close, inline

# Object -> member -> what it is: a name of SHAPES, "[X]" a list, "{X}" a map,
# "schema", or a Python type.  "!" after a member: it must be there.
SHAPES = {
    "document": {"openapi!": str, "info!": "info", "servers!": "[server]",
                 "tags!": "[tag]", "paths!": "{item}",
                 "components!": "components"},
    "info": {"title!": str, "version!": str, "summary": str,
             "description!": str, "license!": "license"},
    "license": {"name!": str, "identifier": str, "url": str},
    "server": {"url!": str, "description": str},
    "tag": {"name!": str, "description!": str},
    "components": {"schemas": "{schema}", "headers": "{header}",
                   "parameters": "{parameter}",
                   "securitySchemes": "{scheme}"},
    "scheme": {"type!": str, "scheme!": str, "bearerFormat": str,
               "description!": str},
    "item": {"get": "operation", "post": "operation"},
    "operation": {"tags!": list, "operationId!": str, "summary!": str,
                  "description": str, "deprecated": bool, "security!": list,
                  "parameters": "[parameter]", "requestBody": "body",
                  "responses!": "{answer}"},
    "parameter": {"name!": str, "in!": str, "description": str,
                  "required": bool, "schema!": "schema"},
    "body": {"required!": bool, "content!": "{media}"},
    "answer": {"description!": str, "headers": "{header}",
               "content": "{media}"},
    "header": {"description!": str, "required": bool, "schema!": "schema"},
    "media": {"schema!": "schema", "examples": "{example}"},
    "example": {"summary!": str, "value!": object},
}
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+(; [a-z]+=[a-z0-9.-]+)*")


class Lint:
    def __init__(self, document):
        self.document, self.faults = document, []
        self.used = set()

    def fault(self, where, text):
        self.faults.append(f"{where}: {text}")

    def resolve(self, node, where):
        while isinstance(node, dict) and "$ref" in node:
            name, target = node["$ref"], self.document
            self.used.add(name)
            for word in name.removeprefix("#/").split("/"):
                target = target.get(word) if target is not None else None
            if target is None:
                self.fault(where, f"{name} leads nowhere")
                return {}
            node = target
        return node

    # ---- the shape ---------------------------------------------------------

    def check(self, value, kind, where):
        value = self.resolve(value, where)
        if kind == "schema":
            self.check_schema(value, where)
        elif isinstance(kind, type):
            if not isinstance(value, kind):
                self.fault(where, f"must be a {kind.__name__}")
        elif kind[0] == "[":
            for i, one in enumerate(value):
                self.check(one, kind[1:-1], f"{where}[{i}]")
        elif kind[0] == "{":
            for name, one in value.items():
                self.check(one, kind[1:-1], f"{where}.{name}")
        else:
            self.check_object(value, kind, where)

    def check_object(self, value, kind, where):
        members = {name.rstrip("!"): what
                   for name, what in SHAPES[kind].items()}
        for name in SHAPES[kind]:
            if name.endswith("!") and name[:-1] not in value:
                self.fault(where, f"{kind} lacks {name[:-1]}")
        for name, one in value.items():
            if name not in members:
                self.fault(where, f"{kind} has no member {name}")
            else:
                self.check(one, members[name], f"{where}.{name}")

    def check_schema(self, schema, where):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            self.fault(where, f"no JSON Schema: {error.message}")
        self.walk_schema(schema, where)

    def walk_schema(self, schema, where):
        """What the meta-schema allows, but is surely a slip."""
        if isinstance(schema, list):
            for one in schema:
                self.walk_schema(one, where)
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            self.resolve(schema, where)
        fields = schema.get("properties")
        if isinstance(fields, dict) and "type" in schema:
            for name in schema.get("required", []):
                if name not in fields:
                    self.fault(where, f"requires {name}, which it has not")
        for name, one in schema.items():
            if name not in ("enum", "const", "default", "required"):
                self.walk_schema(one, f"{where}.{name}")

    # ---- what the shape does not say ----------------------------------------

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, op in item.items():
                yield path, f"{method.upper()} {path}", op

    def check_names(self):
        tags = {tag["name"] for tag in self.document["tags"]}
        schemes = self.document["components"]["securitySchemes"]
        seen = set()
        for _, where, op in self.operations():
            if op["operationId"] in seen:
                self.fault(where, f"operationId {op['operationId']} twice")
            seen.add(op["operationId"])
            for tag in set(op["tags"]) - tags:
                self.fault(where, f"no tag {tag}")
            for one in op["security"]:
                for name in set(one) - set(schemes):
                    self.fault(where, f"no security scheme {name}")

    def check_parameters(self):
        for path, where, op in self.operations():
            found = [self.resolve(p, where) for p in op.get("parameters", [])]
            pairs = [(p["in"], p["name"]) for p in found]
            for pair in {pair for pair in pairs if pairs.count(pair) > 1}:
                self.fault(where, f"{pair[1]} in {pair[0]} twice")
            inside = set(re.findall(r"{(\w+)}", path))
            told = {p["name"] for p in found if p["in"] == "path"}
            if inside != told:
                self.fault(where, f"path has {inside}, parameters {told}")
            for p in found:
                if p["in"] == "path" and not p.get("required"):
                    self.fault(where, f"{p['name']}: a path is required")
                if p["in"] not in ("path", "query", "header"):
                    self.fault(where, f"{p['name']}: in {p['in']}")

    def media_types(self):
        for _, where, op in self.operations():
            for kind, media in op.get("requestBody", {}).get(
                    "content", {}).items():
                yield f"{where}: body", kind, media
            for status, answer in op["responses"].items():
                for kind, media in answer.get("content", {}).items():
                    yield f"{where}: {status}", kind, media

    def check_media(self):
        for _, where, op in self.operations():
            for status in op["responses"]:
                if not re.fullmatch(r"[2-5][0-9][0-9]", status):
                    self.fault(where, f"status {status}")
            if not any(status < "400" for status in op["responses"]):
                self.fault(where, "it cannot succeed")
        for where, kind, media in self.media_types():
            if not MEDIA_TYPE.fullmatch(kind):
                self.fault(where, f"{kind} is no media type")
            for name, example in media.get("examples", {}).items():
                self.check_example(media["schema"], example["value"],
                                   f"{where}: example {name}")

    def check_example(self, schema, value, where):
        validator = jsonschema.Draft202012Validator(
            close(inline(schema, self.document)))
        for error in validator.iter_errors(value):
            at = ".".join(str(p) for p in error.absolute_path)
            self.fault(where, f"{at}: {error.message[:200]}")

    def check_unused(self):
        """Events are named in a description: OpenAPI has no place for them."""
        text = json.dumps(self.document)
        for kind, things in self.document["components"].items():
            if kind == "securitySchemes":
                continue
            for name in things:
                if (f"#/components/{kind}/{name}" not in self.used and
                        f"`{name}`" not in text):
                    self.fault("components", f"{kind} {name} is not used")

    def run(self):
        if not re.fullmatch(r"3\.1\.\d+", self.document.get("openapi", "")):
            self.fault("openapi", "is not 3.1")
        self.check(self.document, "document", "")
        if self.faults:
            return self.faults
        self.check_names()
        self.check_parameters()
        self.check_media()
        self.check_unused()
        return self.faults


def main():
    faults = Lint(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run()
    for fault in sorted(set(faults)):
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
