# SPDX-License-Identifier: Apache-2.0
"""Schemas of the document as a test wants them: standing alone, and without
room for what they do not say.  Clients are told to expect more fields in later
versions; we are not to send any that nobody wrote down.
"""


def inline(node, root):
    """The schema without $ref: no schema of ours contains itself."""
    if isinstance(node, list):
        return [inline(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = root
        for word in node["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        return inline(target, root)
    return {key: inline(value, root) for key, value in node.items()}


def close(schema):
    """Objects that say nothing of other fields have none; in place."""
    if isinstance(schema, list):
        for item in schema:
            close(item)
    if isinstance(schema, dict):
        for value in schema.values():
            close(value)
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            schema.setdefault("additionalProperties", False)
    return schema
