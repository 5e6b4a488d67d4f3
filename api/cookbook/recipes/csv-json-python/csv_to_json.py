"""CSV to JSON, row by row.

    for record in read_records(open("people.csv", newline="", ...)): ...
    convert(source, target, lines=True, types={"age": "int"})

    python3 csv_to_json.py --lines --type age=int people.csv people.jsonl

Nothing is guessed about values: all are texts unless a type is asked for, so
that "007" and "1e5" arrive as they were written.
"""

import argparse
import csv
import json
import math
import sys

DELIMITERS = ",;\t|"
FIELD_MAX = 1024 * 1024
COLUMNS_MAX = 4096


class CsvError(ValueError):
    """The input is not what it should be; the text names the line."""


def _to_int(text):
    return int(text)


def _to_float(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("JSON has no such number")
    return value


def _to_bool(text):
    values = {"true": True, "yes": True, "1": True,
              "false": False, "no": False, "0": False}
    if text.lower() not in values:
        raise ValueError("neither true nor false")
    return values[text.lower()]


TYPES = {"str": str, "int": _to_int, "float": _to_float, "bool": _to_bool}


def _guess_delimiter(header):
    """The one that occurs most in the first line, outside of quotes."""
    outside = "".join(header.split('"')[::2])
    best = max(DELIMITERS, key=outside.count)
    return best if outside.count(best) > 0 else ","


def _check_header(names):
    if not names or names == [""]:
        raise CsvError("line 1: there is no header")
    if len(names) > COLUMNS_MAX:
        raise CsvError(f"line 1: more than {COLUMNS_MAX} columns")
    for at, name in enumerate(names, 1):
        if name == "":
            raise CsvError(f"line 1: column {at} has no name")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise CsvError(f"line 1: twice: {', '.join(sorted(twice))}")


def _converters(names, types):
    unknown = set(types) - set(names)
    if unknown:
        raise CsvError(f"no such column: {', '.join(sorted(unknown))}")
    for name, kind in types.items():
        if kind not in TYPES:
            raise CsvError(f"column {name}: unknown type {kind!r}; there are "
                           f"{', '.join(TYPES)}")
    return [TYPES[types.get(name, "str")] for name in names]


def _record(names, converters, kinds, row, line):
    if len(row) != len(names):
        raise CsvError(f"line {line}: {len(row)} fields where the header "
                       f"has {len(names)}")
    record = {}
    for name, convert, text in zip(names, converters, row):
        if text == "" and name in kinds and kinds[name] != "str":
            record[name] = None
            continue
        try:
            record[name] = convert(text)
        except ValueError as error:
            raise CsvError(f"line {line}: column {name}: {text[:40]!r} is "
                           f"no {kinds[name]}") from error
    return record


def read_records(source, delimiter=None, types=None):
    """A dict for each row of an open text file (newline="")."""
    types = types or {}
    first = source.readline()
    if first.startswith("\ufeff"):
        first = first[1:]
    if delimiter is None:
        delimiter = _guess_delimiter(first)

    def lines():
        if first:
            yield first
        yield from source

    csv.field_size_limit(FIELD_MAX)
    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
        _check_header(names)
        converters = _converters(names, types)
        for row in reader:
            if row:  # an empty line is no record
                yield _record(names, converters, types, row,
                              reader.line_num)
    except csv.Error as error:
        raise CsvError(f"line {reader.line_num}: {error}") from error


def convert(source, target, delimiter=None, types=None, lines=False):
    """Write all records to target; returns their number."""
    count = 0
    for record in read_records(source, delimiter, types):
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
        if lines:
            target.write(text + "\n")
        else:
            target.write(("[\n" if count == 0 else ",\n") + text)
        count += 1
    if not lines:
        target.write("[]\n" if count == 0 else "\n]\n")
    return count


def _type_pair(text):
    name, equals, kind = text.rpartition("=")
    if not equals or not name or kind not in TYPES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not COLUMN=TYPE, TYPE one of {', '.join(TYPES)}")
    return name, kind


def _delimiter(text):
    text = "\t" if text == "\\t" else text
    if len(text) != 1 or text in '"\r\n':
        raise argparse.ArgumentTypeError("a delimiter is one character")
    return text


def main(argv=None):
    parser = argparse.ArgumentParser(description="Convert CSV to JSON.")
    parser.add_argument("source", nargs="?", default="-",
                        help="a CSV file; - for standard input")
    parser.add_argument("target", nargs="?", default="-",
                        help="where to write; - for standard output")
    parser.add_argument("--lines", action="store_true",
                        help="one JSON object a line instead of an array")
    parser.add_argument("--delimiter", type=_delimiter,
                        help="default: told from the first line")
    parser.add_argument("--type", type=_type_pair, action="append",
                        default=[], metavar="COLUMN=TYPE")
    args = parser.parse_args(argv)
    source = target = None
    try:
        source = sys.stdin if args.source == "-" else open(
            args.source, encoding="utf-8", newline="")
        target = sys.stdout if args.target == "-" else open(
            args.target, "w", encoding="utf-8")
        convert(source, target, args.delimiter, dict(args.type), args.lines)
    except (OSError, ValueError) as error:
        print(f"csv_to_json: {error}", file=sys.stderr)
        return 1
    finally:
        for file in (source, target):
            if file not in (None, sys.stdin, sys.stdout):
                file.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
