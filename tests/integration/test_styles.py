# SPDX-License-Identifier: Apache-2.0
"""Right programs and their tests, in all the ways that people write tests: none
may be taken for forged.

tests/styles/LANGUAGE/NAME has one job each; tests/forging has the other side.
"""

import pytest
from promptcraft import REPO, SLOWNESS

ROOT = REPO / "tests" / "styles"


def styles():
    return sorted(p for p in ROOT.glob("*/*") if p.is_dir())


@pytest.mark.parametrize("folder", styles(), ids=lambda p: f"{p.parent.name}-{p.name}")
def test_style(client, folder):
    files = {p.name: p.read_text(encoding="utf-8")
             for p in folder.iterdir() if p.is_file()}
    code = next(n for n in files if n.startswith("solution.") and n[-2:] != ".h")
    tests = next(n for n in files if n.startswith("test_"))
    data = client.job(
        language=folder.parent.name, code=files.pop(code), code_path=code,
        tests=files.pop(tests), tests_path=tests,
        files=[{"path": p, "content": t} for p, t in files.items()],
        limits={"timeout_seconds": int(30 * min(SLOWNESS, 4))})
    assert data["outcome"] == "passed", data
