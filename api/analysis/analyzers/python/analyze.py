# SPDX-License-Identifier: Apache-2.0
"""analyze.py SOURCE: prints one JSON object about a Python source file.

The source is never run: it is parsed by this Python's own parser and walked.
It is hostile: whatever it does to the parser or to us ends in "not_analysed"
with the reason, and nothing here recurses or copies without a bound.

  source.py      bytes to text to tree; what the parser of 3.11 cannot read
  values.py      what is known of a value: constant, taint, type, text
  models.py      tables: where values come from, where they do harm, what
                 makes them harmless
  flow.py        statements: branches, loops, functions
  expressions.py expressions
  calls.py       calls, and the file's own functions
  sinks.py       where data does harm
  results.py     what calls give back: sources, cleaners, containers
  guards.py      what a condition says about a value
  checks.py      what is weak whatever its values come from; by subject:
    checks_crypto.py   hashes, ciphers, keys, random numbers
    checks_network.py  TLS, listening, waiting
    checks_files.py    modes, names
    checks_data.py     archives, YAML, XML
    checks_web.py      cookies, templates, origins
  literals.py    secrets and such in the text
  quality.py     performance, architecture, style
  report.py      findings, in order, once each

Python compiles this file at each start and finds the others compiled.
"""
import sys

# Only this folder: the working directory holds the source.
FOLDER = __file__[: -len("analyze.py")]
sys.path.insert(0, FOLDER)

import compiled  # noqa: E402

compiled.use(FOLDER)

import report as report_module  # noqa: E402


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def analyse(data, report):
    import source
    text, tree = source.parse(data)
    sys.setrecursionlimit(60_000)
    import flow
    import literals
    import quality
    report.take_comments(text)
    nodes = source.nodes_of(tree)
    is_test = source.is_test(nodes)
    flow.analyse(tree, nodes, is_test, report)
    literals.look(nodes, is_test, report)
    quality.look(tree, is_test, report)


def main():
    report = report_module.Report()
    try:
        analyse(read_file(sys.argv[1]), report)
    except report_module.NotAnalysed as reason:
        report.give_up(str(reason))
    except RecursionError:
        report.give_up("it is nested too deeply")
    except MemoryError:
        report.give_up("it takes too much memory")
    except Exception as error:  # ours to mend, but never "clean"
        report.give_up(f"the analyzer failed ({type(error).__name__}) "
                       f"at line {report.line}")
    sys.stdout.write(report.render())


main()
