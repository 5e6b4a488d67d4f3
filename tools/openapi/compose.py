#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the OpenAPI document out of its parts (api/http/openapi).

    compose.py SOURCE_DIR >openapi.json

Only the standard library: the build runs it.  A part is one subject of the
API, with its operations in a short form (api/http/openapi/README.md); what all
operations share, which is most of their problems and headers, is written here
once.  What is wrong in a part ends the build with its name.
"""

import json
import sys
from pathlib import Path

PROBLEM = "application/problem+json"
JSON = "application/json"
OPERATION_KEYS = {
    "operationId", "summary", "description", "public", "role", "scrape",
    "limit", "idempotent", "deprecated", "parameters", "body", "answers",
    "problems"}


class Fault(Exception):
    pass


# ---- schemas ---------------------------------------------------------------


def extend_schemas(schemas):
    """What `extends` another schema has its fields, too; in place."""
    for name, schema in schemas.items():
        base = schemas.get(schema.pop("extends", None))
        if base is None:
            continue
        if "extends" in base:
            raise Fault(f"{name}: extends what extends another")
        schema["properties"] = {**base["properties"], **schema["properties"]}
        schema["optional"] = [*base.get("optional", []),
                              *schema.get("optional", [])]


def finish_schema(schema, where):
    """Fields are required unless `optional` names them; in place."""
    if isinstance(schema, list):
        for item in schema:
            finish_schema(item, where)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key not in ("examples", "example", "default", "enum", "const"):
            finish_schema(value, f"{where}.{key}")
    fields = schema.get("properties")
    if not isinstance(fields, dict) or schema.get("type") is None:
        return
    optional = schema.pop("optional", [])
    unknown = [name for name in optional if name not in fields]
    if unknown:
        raise Fault(f"{where}: optional names no property: {unknown}")
    if "required" not in schema:
        required = [name for name in fields if name not in optional]
        if required:
            schema["required"] = required


def schema_of(value):
    """A name, or a schema as it is."""
    if isinstance(value, str):
        return {"$ref": f"#/components/schemas/{value}"}
    return value


# ---- operations ------------------------------------------------------------


def header_refs(*names):
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


RATE_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def problem_texts(op):
    """Status -> what it means here; what the server itself may answer, and
    what the part says."""
    texts = {
        "400": ["the request's framing is ambiguous"],
        "413": ["the body is larger than the server allows"],
        "500": ["the server failed; the log has the cause under request_id"],
        "503": ["the server is stopping, or has too many requests"],
    }
    if not op.get("public"):
        texts["401"] = ["no valid token was sent"]
        texts["503"].append("its store is not reachable, or its disk is full")
    if op.get("role"):
        texts["403"] = [f"this needs the role {op['role']}"]
    if "body" in op:
        texts["400"].append("the body is not JSON")
        texts["413"].append("it has more than 100000 values or 32 levels")
        texts["415"] = ["the body is not declared as JSON, or encoded"]
        texts["422"] = ["a field is missing or wrong: field names it"]
    if op.get("limit"):
        texts["429"] = [f"the hourly limit for {op['limit']} is reached"]
    if op.get("idempotent"):
        texts["400"].append("Idempotency-Key is malformed or there twice")
        texts["409"] = ["the first request with this Idempotency-Key runs "
                        "still"]
        texts.setdefault("422", []).append(
            "the Idempotency-Key was sent with another request")
    for status, text in op.get("problems", {}).items():
        texts.setdefault(status, []).append(text)
    return texts


def problem_headers(op, status):
    names = ["X-Request-Id", "Cache-Control"]
    if op.get("limit"):
        names += RATE_HEADERS
    if status == "401":
        names.append("WWW-Authenticate")
    if status in ("409", "429", "503"):
        names.append("Retry-After")
    if op.get("idempotent"):
        names.append("Idempotency-Replayed")
    if op.get("deprecated"):
        names += ["Deprecation", "Link"]
    return header_refs(*names)


def sentence(texts):
    text = "; ".join(texts)
    return text[0].upper() + text[1:] + "."


def problem_answer(op, status, texts):
    return {"description": sentence(texts),
            "headers": problem_headers(op, status),
            "content": {PROBLEM: {"schema": schema_of("Problem")}}}


def answer_headers(op, answer):
    names = ["X-Request-Id", "Cache-Control"]
    if op.get("limit"):
        names += RATE_HEADERS
    if op.get("idempotent"):
        names.append("Idempotency-Replayed")
    if op.get("deprecated"):
        names += ["Deprecation", "Link"]
    return {**header_refs(*names, *answer.get("headers", []))}


def media(answer, examples, where):
    """What stands under a media type: its schema and examples."""
    out = {"schema": schema_of(answer["schema"])}
    named = answer.get("examples", {})
    if isinstance(named, list):
        named = {name: name.replace("-", " ") for name in named}
    shown = {}
    for name, summary in named.items():
        if name not in examples:
            raise Fault(f"{where}: no example {name}.json")
        shown[name] = {"summary": summary, "value": examples[name]}
    if shown:
        out["examples"] = shown
    return out


def contents(answer, examples, where):
    """`schema` is JSON; `content` names media types one by one."""
    if "schema" in answer:
        return {JSON: media(answer, examples, where)}
    return {kind: media(one, examples, where)
            for kind, one in answer.get("content", {}).items()}


def success_answer(op, answer, examples, where):
    out = {"description": answer["description"],
           "headers": answer_headers(op, answer)}
    content = contents(answer, examples, where)
    if content:
        out["content"] = content
    return out


def parameters(op):
    refs = []
    for one in op.get("parameters", []):
        refs.append({"$ref": f"#/components/parameters/{one}"}
                    if isinstance(one, str) else one)
    if op.get("idempotent"):
        refs.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return refs


def security(op):
    if op.get("public"):
        return []
    schemes = [{"bearer": []}]
    if op.get("scrape"):
        schemes.append({"scrape": []})
    return schemes


def describe_role(op):
    text = op.get("description", "")
    if op.get("role"):
        text = f"{text}\n\nNeeds the role {op['role']}.".strip()
    return text


def operation(op, tag, examples, where):
    unknown = set(op) - OPERATION_KEYS
    if unknown:
        raise Fault(f"{where}: unknown {sorted(unknown)}")
    out = {"tags": [tag], "operationId": op["operationId"],
           "summary": op["summary"], "description": describe_role(op)}
    if op.get("deprecated"):
        out["deprecated"] = True
    out["security"] = security(op)
    if parameters(op):
        out["parameters"] = parameters(op)
    if "body" in op:
        out["requestBody"] = {
            "required": True,
            "content": {JSON: media(op["body"], examples, where)}}
    answers = {status: success_answer(op, answer, examples, where)
               for status, answer in op["answers"].items()}
    for status, texts in problem_texts(op).items():
        if status in answers:  # as /health, whose 503 is no problem
            continue
        answers[status] = problem_answer(op, status, texts)
    out["responses"] = dict(sorted(answers.items()))
    return out


# ---- the whole -------------------------------------------------------------


def read(path):
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Fault(f"{path}: {error}") from error


def add_part(document, part, examples, where):
    tag = part["tag"]
    document["tags"].append(tag)
    for name, schema in part.get("schemas", {}).items():
        if name in document["components"]["schemas"]:
            raise Fault(f"{where}: {name} is there already")
        document["components"]["schemas"][name] = schema
    for line, op in part["operations"].items():
        method, path = line.split()
        item = document["paths"].setdefault(path, {})
        item[method.lower()] = operation(op, tag["name"], examples,
                                         f"{where}: {line}")


def compose(source):
    document = read(source / "document.json")
    examples = {path.stem: read(path)
                for path in sorted((source / "examples").glob("*.json"))}
    parts = document.pop("x-parts")
    document["tags"], document["paths"] = [], {}
    schemas = document["components"]["schemas"]
    for name in parts:
        add_part(document, read(source / f"{name}.json"), examples,
                 f"{name}.json")
    extend_schemas(schemas)
    for name, schema in schemas.items():
        finish_schema(schema, name)
    unused = {p.stem for p in source.glob("*.json")} - {"document", *parts}
    if unused:
        raise Fault(f"document.json: x-parts lacks {sorted(unused)}")
    return document


def main():
    try:
        document = compose(Path(sys.argv[1]))
    except Fault as fault:
        sys.exit(f"compose.py: {fault}")
    json.dump(document, sys.stdout, ensure_ascii=False,
              separators=(",", ":"))


if __name__ == "__main__":
    main()
