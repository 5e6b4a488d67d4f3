# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document and its page as they are served, and the check that
every other test's answers go through."""

import re

import pytest
from contract import CONTRACT, REPO, Contract, compose

PAGES = ["/openapi.json", "/docs", "/docs/style.css", "/docs/script.js"]


def fresh_contract():
    return Contract(compose(REPO / "api" / "http" / "openapi"))


def test_the_document_that_is_served_is_the_one_that_is_checked(anonymous):
    reply = anonymous.get("/openapi.json")
    assert reply.status == 200
    assert reply.json() == compose(REPO / "api" / "http" / "openapi")


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_kept_by_their_etag(anonymous, path):
    first = anonymous.get(path)
    etag = first.headers["ETag"]
    assert first.status == 200 and first.body
    for tags in (etag, f'"other", W/{etag}', "*"):
        again = anonymous.get(path, headers={"If-None-Match": tags})
        assert (again.status, again.body) == (304, b""), tags
        assert again.headers["ETag"] == etag
    other = anonymous.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status, other.body) == (200, first.body)
    head = anonymous.request("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["ETag"] == etag


@pytest.mark.parametrize("path", PAGES[1:])
def test_the_page_runs_nothing_from_elsewhere(anonymous, path):
    reply = anonymous.get(path)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    text = reply.body.decode()
    # Neither loaded nor written into the page.
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML",
                 "document.write", "eval(", "localStorage", "sessionStorage"):
        assert word not in text, word


def test_the_page_has_every_operation_without_its_script(anonymous):
    text = anonymous.get("/docs").body.decode()
    for _, _, op in CONTRACT.operations:
        assert f'<article id="{op["operationId"]}"' in text
        assert f'<a href="#{op["operationId"]}">' in text


def test_other_methods_and_pages(anonymous):
    assert anonymous.post("/openapi.json", {}).status == 405
    assert anonymous.get("/docs/").status == 404
    assert anonymous.get("/docs/other.js").status == 404


# ---- the check itself can fail --------------------------------------------

HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store",
           "X-Request-Id": "0" * 32}
HEALTH = ('{"status":"healthy","timestamp":"2026-01-31T10:00:00Z","version":'
          '"3","services":{"zen_mcp":"embedded","execution_engine":"ready",'
          '"redis":"disabled","store":"sqlite","supervisor":"connected"}}')


@pytest.mark.parametrize("change, fault", [
    ({}, None),
    ({"status": 418}, "status 418 is not documented"),
    ({"path": "/api/v3/other"}, "no operation is documented"),
    ({"kind": "text/html"}, "Content-Type text/html is not documented"),
    ({"body": HEALTH.replace('"healthy"', '"fine"')}, "body at status"),
    ({"body": HEALTH.replace('"version":"3",', "")},
     "'version' is a required property"),
    ({"body": HEALTH.replace('"store"', '"secret":1,"store"')}, "'secret'"),
    ({"extra": {"Retry-After": "3"}}, "Retry-After is not documented"),
    ({"without": "X-Request-Id"}, "X-Request-Id is missing"),
])
def test_what_is_not_documented_is_a_fault(change, fault):
    headers = {**HEADERS, **change.get("extra", {})}
    headers.pop(change.get("without"), None)
    if "kind" in change:
        headers["Content-Type"] = change["kind"]
    contract = fresh_contract()
    faults = contract.check(
        "GET", change.get("path", "/health"), change.get("status", 200),
        headers, change.get("body", HEALTH).encode())
    if fault is None:
        assert faults == []
    else:
        assert len(faults) == 1 and fault in faults[0], faults


def test_a_request_that_was_taken_must_be_documented():
    contract = fresh_contract()
    assert contract.find("POST", "/api/v3/jobs") is not None
    good = b'{"language":"c","code":"x"}'
    op = contract.find("POST", "/api/v3/jobs")
    assert contract.check_request(op, good) == []
    assert contract.check_request(op, b'{"language":"c"}')
    assert contract.check_request(op, b'{"language":"c","code":"x","y":1}')
