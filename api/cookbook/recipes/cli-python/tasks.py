"""A list of tasks, kept in one JSON file.

    python3 tasks.py add "write the report" --due 2026-01-31
    python3 tasks.py list --open --json
    python3 tasks.py done 1

Exit: 0 done, 1 it did not work (the message is on stderr), 2 wrong usage.
"""

import argparse
import contextlib
import datetime
import json
import os
import sys
import tempfile
import time

FORMAT = 1
TEXT_MAX = 500
LOCK_WAIT_S = 5


class TaskError(Exception):
    """What went wrong, in a sentence for the person who called."""


class TaskFile:
    """The tasks in a file; changes are seen whole or not at all."""

    def __init__(self, path):
        self.path = path

    def read(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                data = json.load(file)
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise TaskError(f"{self.path} is damaged: {error}") from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise TaskError(f"{self.path} is not a task file of this version")
        return data["tasks"]

    def write(self, tasks):
        """A new file takes the old one's place in one step."""
        directory = os.path.dirname(os.path.abspath(self.path))
        handle, new = tempfile.mkstemp(dir=directory, prefix=".tasks-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"format": FORMAT, "tasks": tasks}, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new)
            raise

    @contextlib.contextmanager
    def changing(self):
        """The tasks, written back at the end; one process at a time."""
        lock = f"{self.path}.lock"
        self._take(lock)
        try:
            tasks = self.read()
            yield tasks
            self.write(tasks)
        finally:
            os.rmdir(lock)

    @staticmethod
    def _take(lock):
        """A folder can be made only once, on every system and network."""
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                os.mkdir(lock)
                return
            except FileExistsError as error:
                if time.monotonic() >= deadline:
                    raise TaskError(f"locked by another process; if there is "
                                    f"none, remove {lock}") from error
            time.sleep(0.01)


def find(tasks, number):
    for task in tasks:
        if task["number"] == number:
            return task
    raise TaskError(f"there is no task {number}")


# ---- commands ----------------------------------------------------------


def add(file, args):
    with file.changing() as tasks:
        number = max((task["number"] for task in tasks), default=0) + 1
        tasks.append({"number": number, "text": args.text,
                      "due": args.due and args.due.isoformat(),
                      "is_done": False})
    print(number)


def show(file, args):
    tasks = [task for task in file.read()
             if not (args.open and task["is_done"])]
    tasks.sort(key=lambda task: (task["due"] or "9999", task["number"]))
    if args.json:
        print(json.dumps(tasks))
        return
    for task in tasks:
        mark = "x" if task["is_done"] else " "
        due = f" (due {task['due']})" if task["due"] else ""
        print(f"{task['number']:4} [{mark}] {task['text']}{due}")


def done(file, args):
    with file.changing() as tasks:
        for number in args.numbers:
            find(tasks, number)["is_done"] = True


def remove(file, args):
    with file.changing() as tasks:
        for number in args.numbers:
            tasks.remove(find(tasks, number))


# ---- the command line --------------------------------------------------


def text_of(value):
    value = value.strip()
    if not 1 <= len(value) <= TEXT_MAX or not value.isprintable():
        raise argparse.ArgumentTypeError(
            f"a text has 1 to {TEXT_MAX} printable characters")
    return value


def date_of(value):
    try:
        return datetime.date.fromisoformat(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{value!r} is not a date like 2026-01-31") from error


def number_of(value):
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number")
    return int(value)


def make_parser():
    parser = argparse.ArgumentParser(description="Keep a list of tasks.")
    parser.add_argument("--file", default="tasks.json", metavar="PATH",
                        help="default: tasks.json")
    commands = parser.add_subparsers(dest="command", required=True,
                                     metavar="COMMAND")
    command = commands.add_parser("add", help="add a task; prints its number")
    command.add_argument("text", type=text_of)
    command.add_argument("--due", type=date_of, metavar="YYYY-MM-DD")
    command.set_defaults(run=add)
    command = commands.add_parser("list", help="list tasks, due ones first")
    command.add_argument("--open", action="store_true",
                         help="only those that are not done")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(run=show)
    for name, run, text in (("done", done, "mark tasks as done"),
                            ("remove", remove, "remove tasks")):
        command = commands.add_parser(name, help=text)
        command.add_argument("numbers", type=number_of, nargs="+",
                             metavar="NUMBER")
        command.set_defaults(run=run)
    return parser


def main(argv=None):
    args = make_parser().parse_args(argv)
    try:
        args.run(TaskFile(args.file), args)
    except (TaskError, OSError) as error:
        print(f"tasks: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
