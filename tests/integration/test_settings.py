# SPDX-License-Identifier: Apache-2.0
"""Every setting that api/config.c reads is in docs/OPERATIONS.md, and in
systemd/promptcraft.env.example with its default; neither names another."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r'^\t(?:TEXT|NUMBER|SIZE|BOOL|SECRET|MICROS|CHOICE)'
                 r'\("([A-Z0-9_]+)",\s*[\w.\[\]]+(?:,\s*"([^"]*)")?', re.M)
SETTINGS = dict(ROW.findall((ROOT / "api/config.c").read_text()))
LINE = re.compile(r"^(#?)([A-Z0-9_]+)=(.*)$", re.M)


def example():
    text = (ROOT / "systemd/promptcraft.env.example").read_text()
    return LINE.findall(text)


def test_every_setting_is_documented():
    text = (ROOT / "docs/OPERATIONS.md").read_text()
    named = set(re.findall(r"^\| (`[A-Z0-9_]{4,}`.*?) \|", text, re.M))
    named = set(re.findall(r"`([A-Z0-9_]+)`", " ".join(named)))
    assert len(SETTINGS) > 80
    assert named == set(SETTINGS)


def test_every_setting_is_in_the_example():
    names = [name for _, name, _ in example()]
    assert sorted(names) == sorted(SETTINGS)


def test_the_example_shows_defaults():
    """What has none may show a value as it could be."""
    for mark, name, value in example():
        assert not (mark and SETTINGS[name]) or value == SETTINGS[name], name
