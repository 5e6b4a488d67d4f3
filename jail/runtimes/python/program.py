# SPDX-License-Identifier: Apache-2.0
"""mode=run: like `python3 CODE ARGS`.

Python has started without site.py.  What a program sees of that is made here:
the paths are there from the start; .pth files are read when an import first
comes to them; exit(), help() and the like are there, and made by site.py when
they are used.
"""
import sys
import _imp
import _warnings
import builtins
import posix

# What a bare interpreter has loaded, and we have not: a program that has a file
# of such a name does not get it.
SITE_MODULES = frozenset(
    "_collections_abc _sitebuiltins genericpath os posixpath site stat".split())


# ---- what site.py would have done ------------------------------------------


class Printer:
    """copyright, credits, license: those of site.py, when they are used."""

    def __init__(self, name):
        self.name = name

    def real(self):
        import_site().setcopyright()
        return getattr(builtins, self.name)

    def __repr__(self):
        return repr(self.real())

    def __call__(self):
        return self.real()()


def import_site():
    """The system's, whatever lies beside the program."""
    path, sys.path = sys.path, [p for p in sys.path if p.startswith(sys.prefix)]
    try:
        import site
    finally:
        sys.path = path
    return site


def site_folders():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for folder in (f"/local/lib/python{version}/dist-packages",
                   "/lib/python3/dist-packages",
                   f"/lib/python{version}/dist-packages"):
        try:
            posix.stat(sys.prefix + folder)
        except OSError:
            continue
        yield sys.prefix + folder


def read_path_files(site):
    """site.main(): .pth files, sitecustomize; new folders come to the end."""
    path = sys.path
    sys.path = [p for p in path if p.startswith(sys.prefix)]
    try:
        site.main()
        path += [p for p in sys.path if p not in path]
    finally:
        sys.path = path


class SiteHook:
    """Among the path hooks: an import comes to a folder of site.py; and among
    the finders, for the one module of the standard library that a common .pth
    file replaces (that of setuptools)."""

    def __init__(self, folders):
        self.folders = folders

    def run(self):
        if self in sys.path_hooks:
            sys.path_hooks.remove(self)
            sys.meta_path.remove(self)
            read_path_files(import_site())

    def __call__(self, folder):
        if folder in self.folders:
            self.run()
        raise ImportError(folder)

    def find_spec(self, name, path=None, target=None):
        if name != "distutils":
            return None
        self.run()
        for finder in list(sys.meta_path):
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
        return None


def replace_site():
    from _sitebuiltins import Quitter, _Helper

    folders = [f for f in site_folders() if f not in sys.path]
    sys.path += folders
    hook = SiteHook(folders)
    sys.path_hooks.insert(0, hook)
    sys.meta_path.insert(0, hook)
    builtins.help = _Helper()
    for name in ("quit", "exit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    for name in ("copyright", "credits", "license"):
        setattr(builtins, name, Printer(name))


# ---- the program ------------------------------------------------------------


def without_harness(traceback):
    """The traceback from the first frame that is not ours."""
    ours = __file__.rpartition("/")[0] + "/"
    while traceback and traceback.tb_frame.f_code.co_filename.startswith(ours):
        traceback = traceback.tb_next
    return traceback


def absolute(path):
    full = path if path.startswith("/") else posix.getcwd() + "/" + path
    if {"", ".", ".."} & set(full[1:].split("/")):
        import_site()
        full = sys.modules["os"].path.abspath(path)
    return full


def keep_loaded(folder):
    """What python3 has loaded before it looks at a program's folder."""
    try:
        names = posix.listdir(folder)
    except OSError:
        return
    if not SITE_MODULES.isdisjoint(n.partition(".")[0] for n in names):
        import_site()


def execute(source, full, names):
    """exec() of the source as of a file of that name.

    compile() would do, but makes the types of syntax trees, which takes longer
    than the start of a small program; exec() knows no file names.  So the name
    is set when the code is entered.  What the compiler has to say comes first,
    with the right name: then compile() says it.
    """
    error = ("error", None, SyntaxWarning, None, 0)

    def entered(frame, event, _):
        if event == "call" and frame.f_globals is names:
            sys.setprofile(None)
            forget()
            _imp._fix_co_filename(frame.f_code, full)

    def forget():
        if error in _warnings.filters:
            _warnings.filters.remove(error)
            _warnings._filters_mutated()

    _warnings.filters.insert(0, error)
    _warnings._filters_mutated()
    sys.setprofile(entered)
    try:
        exec(source, names)
    except (SyntaxError, ValueError):
        if sys.getprofile() is not entered:
            raise
    else:
        return
    finally:
        if sys.getprofile() is entered:
            sys.setprofile(None)
        forget()
    exec(compile(source, full, "exec", dont_inherit=True), names)


def run_as_main(path):
    """Execute a file as __main__, the way `python3 FILE` does."""
    full = absolute(path)
    folder = full.rpartition("/")[0] or "/"
    keep_loaded(folder)
    main = type(sys)("__main__")
    main.__file__ = full
    main.__builtins__ = builtins
    main.__annotations__ = {}
    sys.modules["__main__"] = main
    sys.path.insert(0, folder)
    with open(full, "rb") as file:
        source = file.read()
    execute(source, full, main.__dict__)


def run(job):
    """Returns only by exception or at the end."""
    sys.argv = [job.code, *job.args]
    replace_site()
    try:
        run_as_main(job.code)
    except SystemExit:
        raise
    except BaseException as error:
        error.__traceback__ = without_harness(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            import signal

            signal.signal(signal.SIGINT, signal.SIG_DFL)
            posix.kill(posix.getpid(), signal.SIGINT)
        sys.exit(1)
