"""Merge CSV files of a folder into one, sorted by a column."""
import csv
import os
import tempfile
from pathlib import Path


def merge(folder, target, key):
    rows, fields = [], []
    for path in sorted(Path(folder).glob("*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            fields += [f for f in reader.fieldnames if f not in fields]
            rows += reader
    rows.sort(key=lambda row: row.get(key) or "")
    write_atomically(target, fields, rows)
    return len(rows)


def write_atomically(target, fields, rows):
    target = Path(target)
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fields, restval="-")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
