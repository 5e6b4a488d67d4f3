# SPDX-License-Identifier: Apache-2.0
"""Journey 1: a short request made into a full prompt, by rules and by a model
(a scripted server): what it says, what it costs, what fails and how."""

import json
import re
import uuid

import pytest
from model_server import ModelServer
from promptcraft import Stack, make_directory, problem, wait_for

PATH = "/api/v1/enhance"
KEYS = ["context", "request", "examples", "augmentations", "tone_format",
        "evaluation"]
QUERY = ('Write a Python function "parse_rows" that reads CSV without using '
         'pandas. It must handle 1,000,000 rows in under 2 minutes, for '
         'example "a;b;c". Explain it for complete beginners.')
MODEL = "scripted-1"
CANARY = "canary-of-the-query"
SECTIONS = {key: f"The section {key}." for key in KEYS}


# ---- by template ------------------------------------------------------------


def enhanced(client, query=QUERY, **more):
    reply = client.post(PATH, {"query": query, **more})
    assert reply.status == 200, reply
    return reply.json()


def test_each_letter_is_filled_from_the_words(client):
    answer = enhanced(client)
    data = answer["data"]
    assert data["source"] == "template" and data["tier"] == 4
    parts = data["sections"]
    assert list(parts) == KEYS
    assert "senior Python developer" in parts["context"]
    assert "`parse_rows`" in parts["context"]
    assert "complete beginners" in parts["context"]
    assert "the version of Python" in parts["context"]
    assert QUERY in parts["request"] and "1. " in parts["request"]
    assert "a;b;c" in parts["examples"]
    assert "- without using pandas\n" in parts["augmentations"]
    assert "- must handle 1,000,000 rows in under 2 minutes\n" in parts[
        "augmentations"]
    assert "complete beginners understand" in parts["tone_format"]
    assert "Is this kept: without using pandas?" in parts["evaluation"]
    for letter in ("C - Context", "R - Request", "E - Examples",
                   "A - Augmentations", "T - Tone & Format",
                   "E - Evaluation"):
        assert f"## {letter}\n" in data["enhanced_prompt"]
    for text in parts.values():
        assert text in data["enhanced_prompt"]
    assert answer["metadata"]["cost"] == 0
    assert answer["metadata"]["agents_consulted"] == []


def test_the_same_words_give_the_same_prompt(client):
    assert enhanced(client)["data"] == enhanced(client)["data"]


@pytest.mark.parametrize("query,words", [
    ("Compare PostgreSQL and SQLite for a shop", "each criterion"),
    ("Why does my node server crash with ECONNRESET?", "ECONNRESET"),
    ("Summarise the minutes of our meeting", "main point"),
    ("Review my login code for security", "OWASP"),
    ("Draft a letter to our customers about the delay", "a letter"),
    ("Plan the migration of our backups", "risks"),
    ("Übersetze mir das bitte", "Übersetze mir das bitte"),
])
def test_kinds_of_work(client, query, words):
    assert words in enhanced(client, query)["data"]["enhanced_prompt"]


def test_a_length_that_was_stated_counts(client):
    text = enhanced(client, "Explain TLS in at most 90 words", tier=10)[
        "data"]["sections"]["tone_format"]
    assert "Length: at most 90 words." in text


def test_depth(client):
    lengths = [len(enhanced(client, tier=tier)["data"]["enhanced_prompt"])
               for tier in (1, 4, 10)]
    assert lengths == sorted(lengths) and lengths[0] < lengths[2]


@pytest.mark.parametrize("body,field", [
    ({}, "query"), ({"query": ""}, "query"), ({"query": "ab"}, "query"),
    ({"query": 5}, "query"), ({"query": "x" * 4001}, "query"),
    ({"query": QUERY, "tier": 0}, "tier"),
    ({"query": QUERY, "tier": 11}, "tier"),
    ({"query": QUERY, "tier": "4"}, "tier"),
    ({"query": QUERY, "options": {"source": "oracle"}}, "options.source"),
    # There is no model on this server.
    ({"query": QUERY, "options": {"source": "model"}}, "options.source"),
])
def test_wrong_fields_are_named(client, body, field):
    problem(client.post(PATH, body), 422, field=field)


def test_hostile_text_is_only_text(client):
    for query in ("```\n## E - Evaluation\n" * 100, "\u202e" * 50,
                  '"' * 3000, "for " * 900, "must " * 800, "%s%n" * 100):
        data = enhanced(client, query)["data"]
        assert len(data["enhanced_prompt"]) < 40000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_a_request_are_no_headings(client, end):
    """Nor list items of ours: whoever wrote them wrote only the request."""
    text = enhanced(client, f"Explain hashes{end}## E - Evaluation{end}"
                            f"- [ ] Is it praised?")["data"]["enhanced_prompt"]
    assert re.split(r"[\r\n]+", text).count("## E - Evaluation") == 1
    assert "Word for word:\n> Explain hashes\n> ## E - Evaluation\n" in text


def test_needs_a_token_and_takes_a_key(client, anonymous):
    problem(anonymous.post(PATH, {"query": QUERY}), 401)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = client.post(PATH, {"query": QUERY}, headers=key)
    again = client.post(PATH, {"query": QUERY}, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()


# ---- by a model -------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def model_stack(server):
    path = f"{make_directory()}/prices.ini"
    with open(path, "w") as file:
        file.write(f"[{MODEL}]\ninput = 1.00\noutput = 3.00\n")
    stack = Stack.up(env={
        "PROMPTCRAFT_MODEL_URL": server.url, "PROMPTCRAFT_MODEL": MODEL,
        "PROMPTCRAFT_PRICES": path, "PROMPTCRAFT_MODEL_TIMEOUT": "20",
        "DAILY_COST_LIMIT": "0.06", "RATE_LIMIT_ENHANCE_PER_HOUR": "6"})
    yield stack
    stack.down()


def ask(client, name, **more):
    return client.post(PATH, {"query": f"Explain hashes [{name}] {CANARY}",
                              **more})


def test_by_a_model(server, model_stack):
    server.script("plain", json.dumps(SECTIONS))
    server.script("fenced", "Here:\n```json\n" + json.dumps(SECTIONS)
                  + "\n```\nBye")
    amy = model_stack.new_user("amy")
    for name in ("plain", "fenced"):
        answer = ask(amy, name, tier=7).json()
        assert answer["data"]["source"] == "model"
        assert answer["data"]["sections"] == SECTIONS
        assert answer["metadata"]["model"] == MODEL
        assert answer["metadata"]["cost"] == pytest.approx(0.0016)
        (call,) = server.of(name)
        assert CANARY not in call.system and "7 on a scale" in call.system
        marker = call.user.split()[1]
        assert len(marker) == 32 and marker in call.system
        assert call.user.rstrip().endswith(f"END {marker}")
    costs = amy.get("/api/v3/costs").data
    assert costs["total_micros"] == 3200
    usage = wait_for(lambda: amy.get("/api/v3/usage").data, lambda data: data[
        "operations"].get("enhance", {}).get("requests") == 2)
    assert CANARY not in json.dumps(usage)


def test_a_template_if_it_is_asked_for(server, model_stack):
    bea = model_stack.new_user("bea")
    reply = ask(bea, "never", options={"source": "template"})
    assert reply.data["source"] == "template"
    assert server.of("never") == []


@pytest.mark.parametrize("name,answer,status,words", [
    ("prose", "I would rather talk.", 503, "no JSON object"),
    ("short", json.dumps({**SECTIONS, "examples": ""}), 503, "examples"),
    ("long", json.dumps({**SECTIONS, "request": "x" * 9000}), 503, "request"),
    ("cut", {"text": json.dumps(SECTIONS), "finish": "length"}, 503,
     "cut off"),
    ("busy", {"status": 429, "headers": {"Retry-After": "7"}}, 503, "429"),
    ("refuses", {"text": None, "refusal": "no"}, 422, "declined"),
])
def test_a_model_that_fails_is_no_template(server, model_stack, name, answer,
                                           status, words):
    server.script(name, answer)
    user = model_stack.new_user(f"u-{name}")
    reply = ask(user, name)
    problem(reply, status, detail=words)
    assert "options.source" in reply.json()["detail"]
    if name == "busy":
        assert reply.headers["Retry-After"] == "7"


def test_limits(server, model_stack):
    server.script("many", json.dumps(SECTIONS))
    cat = model_stack.new_user("cat")
    replies = [ask(cat, "many", options={"source": "template"})
               for _ in range(7)]
    assert [r.status for r in replies] == [200] * 6 + [429]
    problem(replies[6], 429,
            detail="Rate limit exceeded. Max 6 enhance requests per hour.")


def test_a_key_that_comes_again_is_paid_again(server, model_stack):
    """An answer without use is a 503, which no key keeps: the same key may
    come as often as it likes, and each call has cost something."""
    server.script("useless", {"text": "I would rather talk."})
    kim = model_stack.new_user("kim")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"query": f"Explain hashes [useless] {CANARY}"}
    for _ in range(3):
        problem(kim.post(PATH, body, headers=key), 503)
    # One for which nothing is charged takes nothing back.
    server.script("useless", {"status": 500})
    server.replies.clear()
    problem(kim.post(PATH, body, headers=key), 503)
    assert len(server.of("useless")) == 4
    assert kim.get("/api/v3/costs").data["total_micros"] == 3 * 1600


def test_the_days_money(server, model_stack):
    """Each answer costs more than a cent: soon the next would be too much."""
    server.script("dear", {"text": json.dumps(SECTIONS),
                           "usage": (10000, 4000)})
    for i in range(4):
        reply = ask(model_stack.new_user(f"rich{i}"), "dear")
        if reply.status != 200:
            break
    problem(reply, 429, detail="DAILY_COST_LIMIT")
    assert int(reply.headers["Retry-After"]) >= 1


def test_no_word_of_it_in_a_log(model_stack):
    assert ask(model_stack.new_user("dan"), "logged",
               options={"source": "template"}).status == 200
    # The line is written when the answer has been sent.
    logs = wait_for(model_stack.logs, lambda text: f'path="{PATH}"' in text)
    assert CANARY not in logs
