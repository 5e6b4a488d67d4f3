# SPDX-License-Identifier: Apache-2.0
"""Tables: where values come from, where they do harm, what makes them
harmless.  Names are dotted paths as imports and calls make them; adding one is
adding a word here.
"""
from values import ALL, BIT


def bits(words):
    result = 0
    for word in words.split():
        result |= BIT[word]
    return result


# ---- sources -----------------------------------------------------------

# What data of each kind can do; a parameter only where it is built into
# something (see Sink.direct).
KIND_BITS = {
    "http": ALL,
    "net": ALL,
    "input": ALL & ~bits("log regex header format attr dos trust"),
    "env": bits("sql cmd code deserialize template xpath ldap"),
    "file": bits("sql cmd code deserialize template"),
    "param": ALL & ~bits("log import attr trust header format mail dos"),
    "random": BIT["random"],
}
CONFIDENCE = {"http": "high", "net": "high", "input": "high",
              "param": "medium", "env": "medium", "file": "medium",
              "random": "high"}

# Of an HTTP request, whatever the framework calls it.
REQUEST_DATA = set(
    "args form values json data files cookies headers GET POST COOKIES FILES "
    "META body query params query_params query_string path_params path url "
    "full_path base_url match_info get_json get_data stream environ forms "
    "view_args get_argument get_arguments get_query_argument "
    "get_body_argument get_cookie arguments raw_post_data REQUEST referrer "
    "user_agent content rel_url path_info form_data get_host build_absolute_uri "
    "post text read host host_url url_root".split())
REQUESTS = set("flask.request bottle.request web.request cherrypy.request "
               "quart.request sanic.request http.request".split())

CALL_SOURCES = {
    "input": "input", "raw_input": "input", "sys.stdin.read": "input",
    "sys.stdin.readline": "input", "sys.stdin.readlines": "input",
    "fileinput.input": "input", "getpass.getpass": "input",
    "os.getenv": "env", "os.environ.get": "env", "os.environb.get": "env",
    "cgi.FieldStorage.getvalue": "http", "cgi.FieldStorage.getfirst": "http",
    "cgi.FieldStorage.getlist": "http",
    "urllib.request.urlopen.read": "net", "requests.get.json": "net",
    "requests.post.json": "net",
    "socket.socket.recv": "net", "socket.socket.recvfrom": "net",
    "socket.socket.accept.recv": "net", "socket.create_connection.recv": "net",
    "socket.socket.makefile.read": "net",
    "argparse.ArgumentParser.parse_args": "env",
    "web.input": "http",
}
ATTRIBUTE_SOURCES = {
    "sys.argv": "env", "os.environ": "env", "os.environb": "env",
    "sys.stdin": "input",
}
# Methods whose result is data from outside, by what made their object.
READS = {"open": "file", "io.open": "file", "codecs.open": "file",
         "os.fdopen": "file"}
READ_METHODS = set("read readline readlines read_text read_bytes".split())

ROUTE_WORDS = set("route get post put delete patch head options websocket "
                  "api_route view view_config expose".split())
# Parameters that are never a caller's data.
QUIET_PARAMETERS = set("self cls mcs request req response resp db conn "
                       "connection cursor cur session logger log app client "
                       "args kwargs engine ctx context config settings "
                       "loop".split())
CLEAN_ANNOTATIONS = set("int float bool complex UUID date datetime Decimal "
                        "Session Cursor Connection Request IPv4Address Enum "
                        "timedelta time BackgroundTasks Response Callable "
                        "PositiveInt type EmailStr".split())

# ---- cleaners ----------------------------------------------------------

_PATH = bits("path zip")
CLEANERS = {
    "int": ALL, "float": ALL, "bool": ALL, "len": ALL, "abs": ALL,
    "round": ALL, "hash": ALL, "id": ALL, "ord": ALL, "complex": ALL,
    "decimal.Decimal": ALL, "uuid.UUID": ALL, "isinstance": ALL,
    "issubclass": ALL, "hasattr": ALL, "callable": ALL, "type": ALL,
    "ipaddress.ip_address": ALL, "ipaddress.ip_network": ALL,
    "ipaddress.IPv4Address": ALL, "ipaddress.IPv6Address": ALL,
    "datetime.datetime.strptime": ALL, "datetime.date.fromisoformat": ALL,
    "datetime.datetime.fromisoformat": ALL, "hmac.compare_digest": ALL,
    "shlex.quote": bits("cmd"), "pipes.quote": bits("cmd"),
    "shlex.split": 0,
    "html.escape": bits("xss"), "cgi.escape": bits("xss"),
    "markupsafe.escape": bits("xss"), "flask.escape": bits("xss"),
    "jinja2.escape": bits("xss"), "django.utils.html.escape": bits("xss"),
    "django.utils.html.conditional_escape": bits("xss"),
    "django.utils.html.format_html": bits("xss"),
    "xml.sax.saxutils.escape": bits("xss xpath"),
    "xml.sax.saxutils.quoteattr": bits("xss xpath"),
    "bleach.clean": bits("xss"), "nh3.clean": bits("xss"),
    "json.dumps": bits("log header template"), "repr": bits("log header"),
    "ascii": bits("log header"),
    "urllib.parse.quote": bits("path header log xss redirect cmd ssrf"),
    "urllib.parse.quote_plus": bits("path header log xss redirect cmd ssrf"),
    "urllib.parse.urlencode": bits("path header log xss redirect cmd ssrf"),
    "os.path.basename": _PATH, "ntpath.basename": _PATH,
    "posixpath.basename": _PATH, "werkzeug.utils.secure_filename": _PATH,
    "werkzeug.secure_filename": _PATH, "werkzeug.utils.safe_join": _PATH,
    "werkzeug.security.safe_join": _PATH, "flask.safe_join": _PATH,
    "django.utils._os.safe_join": _PATH,
    "django.utils.text.get_valid_filename": _PATH,
    "re.escape": bits("regex"), "ast.literal_eval": bits("code"),
    "ldap3.utils.conv.escape_filter_chars": bits("ldap"),
    "ldap.filter.escape_filter_chars": bits("ldap"),
    "ldap.dn.escape_dn_chars": bits("ldap"),
    "ldap3.utils.dn.escape_rdn": bits("ldap"),
    "psycopg2.sql.Identifier": bits("sql"), "psycopg2.sql.SQL": 0,
    "psycopg2.sql.Literal": bits("sql"), "psycopg.sql.Identifier": bits("sql"),
    "psycopg.sql.Literal": bits("sql"), "bson.ObjectId": ALL,
    "bson.objectid.ObjectId": ALL, "string.capwords": 0,
    "django.utils.http.url_has_allowed_host_and_scheme": ALL,
    "secrets.compare_digest": ALL, "flask.url_for": bits("redirect ssrf path"),
    "django.urls.reverse": bits("redirect"), "flask.jsonify": bits("xss"),
    "json.loads": bits("deserialize"), "defusedxml.ElementTree.fromstring": 0,
    "flask.render_template": bits("xss"),
    "django.shortcuts.render": bits("xss"),
    "flask.send_from_directory": ALL, "flask.abort": ALL,
    "bcrypt.hashpw": ALL, "bcrypt.checkpw": ALL, "jwt.decode": 0,
    "werkzeug.security.generate_password_hash": ALL,
    "werkzeug.security.check_password_hash": ALL,
    "django.contrib.auth.hashers.make_password": ALL,
}
CLEANER_PREFIXES = ("hashlib.", "hmac.", "zlib.crc32", "secrets.",
                    "time.", "datetime.datetime.now", "math.",
                    "itertools.count", "logging.", "threading.")
METHOD_CLEANERS = {
    "isdigit": ALL, "isalnum": ALL, "isalpha": ALL, "isidentifier": ALL,
    "isnumeric": ALL, "isdecimal": ALL, "startswith": ALL, "endswith": ALL,
    "find": ALL, "index": ALL, "count": ALL, "hexdigest": ALL, "digest": ALL,
    "rowcount": ALL, "exists": ALL, "is_file": ALL, "is_dir": ALL,
    "bit_length": ALL, "fileno": ALL, "escape_string": bits("sql"),
    "quote_ident": bits("sql"), "quote_name": bits("sql"),
    "literal": bits("sql"), "mogrify": bits("sql"),
}

# ---- sinks -------------------------------------------------------------


class Sink:
    """rule, harm; args: positions, names: of keyword arguments; direct: what
    a parameter of a public function must be to count: "any" or "built" (put
    into a text by this code)."""
    __slots__ = ("rule", "harm", "args", "names", "direct", "words")

    def __init__(self, rule, harm, args=(0,), names=(), direct="any",
                 words=""):
        self.rule, self.harm, self.args = rule, harm, args
        self.names, self.direct, self.words = names, direct, words


SINKS = {}


def sink(rule, harm, paths, args=(0,), names="", direct="any"):
    made = Sink(rule, harm, args, tuple(names.split()), direct)
    for path in paths.split():
        SINKS[path] = made


sink("command-injection", "cmd",
     "os.system os.popen os.popen2 os.popen3 os.popen4 popen2.popen2 "
     "commands.getoutput commands.getstatusoutput subprocess.getoutput "
     "subprocess.getstatusoutput asyncio.create_subprocess_shell "
     "pty.spawn paramiko.SSHClient.exec_command", names="cmd command")
sink("code-injection", "code",
     "eval exec code.InteractiveInterpreter.runsource "
     "builtins.eval builtins.exec timeit.timeit code.interact "
     "pandas.eval numexpr.evaluate execfile", names="source")
sink("path-traversal", "path",
     "open io.open codecs.open os.open os.remove os.unlink os.rmdir "
     "os.mkdir os.makedirs os.listdir os.scandir os.chmod os.chown os.stat "
     "os.truncate os.readlink shutil.rmtree tarfile.open zipfile.ZipFile "
     "flask.send_file django.http.FileResponse "
     "fastapi.responses.FileResponse starlette.responses.FileResponse "
     "bottle.static_file gzip.open bz2.open lzma.open pathlib.Path.open "
     "numpy.load PIL.Image.open aiofiles.open linecache.getlines "
     "os.path.exists os.path.isfile os.path.getsize",
     names="file path filename path_or_file", direct="built")
sink("path-traversal", "path",
     "os.rename os.replace os.link os.symlink shutil.copy shutil.copy2 "
     "shutil.copyfile shutil.copytree shutil.move", args=(0, 1),
     names="src dst", direct="built")
sink("template-injection", "template",
     "jinja2.Template flask.render_template_string "
     "jinja2.Environment.from_string mako.template.Template "
     "django.template.Template bottle.template tornado.template.Template "
     "bottle.SimpleTemplate jinja2.sandbox.Environment.from_string "
     "django.template.engines.from_string Cheetah.Template.Template "
     "flask.templating.render_template_string",
     names="source text template_string")
sink("unsafe-deserialization", "deserialize",
     "pickle.loads pickle.load cPickle.loads cPickle.load _pickle.loads "
     "pickle.Unpickler dill.loads dill.load cloudpickle.loads "
     "cloudpickle.load marshal.loads marshal.load shelve.open "
     "jsonpickle.decode jsonpickle.unpickler.decode yaml.unsafe_load "
     "yaml.unsafe_load_all yaml.full_load joblib.load pandas.read_pickle "
     "torch.load numpy.load_pickle xmlrpc.client.loads dill.Unpickler "
     "ruamel.yaml.YAML.load_unsafe", names="file data filepath_or_buffer f")
sink("ssrf", "ssrf",
     " ".join(f"{lib}.{verb}" for lib in (
         "requests", "requests.Session", "requests.session", "httpx",
         "httpx.Client", "httpx.AsyncClient", "aiohttp.ClientSession")
         for verb in "get post put patch delete head options".split()),
     names="url", direct="built")
sink("ssrf", "ssrf",
     "urllib.request.urlopen urllib2.urlopen urllib.urlopen "
     "urllib.request.urlretrieve urllib.urlretrieve urllib.request.Request "
     "http.client.HTTPConnection http.client.HTTPSConnection "
     "pycurl.Curl.setopt wget.download", names="url host", direct="built")
sink("ssrf", "ssrf",
     "requests.request httpx.request requests.Session.request "
     "urllib3.PoolManager.request httpx.stream aiohttp.request "
     "aiohttp.ClientSession.request", args=(1,),
     names="url", direct="built")
sink("xpath-injection", "xpath", "lxml.etree.XPath", names="path",
     direct="built")
sink("xpath-injection", "xpath", "elementpath.select elementpath.iter_select",
     args=(1,), names="path", direct="built")
sink("xxe", "xxe",
     "lxml.etree.fromstring lxml.etree.XML lxml.objectify.fromstring",
     names="text source")
sink("xxe", "xxe",
     "lxml.etree.parse lxml.etree.iterparse lxml.objectify.parse",
     names="source", direct="built")
sink("open-redirect", "redirect",
     "flask.redirect django.shortcuts.redirect werkzeug.utils.redirect "
     "django.http.HttpResponseRedirect django.http.response."
     "HttpResponseRedirect django.http.HttpResponsePermanentRedirect "
     "fastapi.responses.RedirectResponse starlette.responses."
     "RedirectResponse bottle.redirect aiohttp.web.HTTPFound "
     "quart.redirect web.seeother sanic.response.redirect",
     names="location url to redirect_to")
sink("regex-injection", "regex",
     "re.compile re.match re.search re.fullmatch re.findall re.finditer "
     "re.sub re.subn re.split", names="pattern", direct="built")
sink("cross-site-scripting", "xss",
     "markupsafe.Markup flask.Markup jinja2.Markup "
     "django.utils.safestring.mark_safe django.utils.safestring.SafeString "
     "django.utils.html.mark_safe django.utils.safestring.SafeText "
     "django.http.HttpResponse "
     "django.http.HttpResponseBadRequest django.http.HttpResponseNotFound "
     "django.http.HttpResponseForbidden django.http.HttpResponseServerError "
     "flask.make_response flask.Response "
     "fastapi.responses.HTMLResponse starlette.responses.HTMLResponse "
     "quart.make_response", names="content response body")
sink("dynamic-import", "import",
     "importlib.import_module __import__ imp.load_source runpy.run_path "
     "runpy.run_module importlib.util.spec_from_file_location",
     names="name")
sink("dynamic-attribute", "attr", "setattr getattr delattr", args=(1,))
sink("log-injection", "log", " ".join(
    f"{logger}.{level}" for logger in (
        "logging", "logging.getLogger", "flask.current_app.logger",
        "loguru.logger")
    for level in "debug info warning warn error critical exception log".split()),
     args=(0, 1, 2, 3))
sink("ldap-injection", "ldap",
     "ldap.initialize.search_s ldap.initialize.search ldap.initialize."
     "search_ext_s ldap.initialize.search_st ldap.initialize.search_ext",
     args=(0, 2), names="base filterstr", direct="built")
sink("ldap-injection", "ldap", "ldap3.Connection.search", args=(0, 1),
     names="search_base search_filter", direct="built")
sink("command-injection", "cmd",
     "os.execl os.execle os.execlp os.execv os.execve os.execvp "
     "os.startfile", args=(0,))
sink("command-injection", "cmd", "os.spawnl os.spawnle os.spawnlp os.spawnv "
     "os.spawnve os.spawnvp os.posix_spawn", args=(1,))
sink("code-injection", "code", "logging.config.listen")
sink("resource-exhaustion", "dos", "time.sleep range")
sink("sql-injection", "sql",
     "sqlalchemy.text sqlalchemy.sql.text pandas.read_sql "
     "pandas.read_sql_query django.db.models.expressions.RawSQL "
     "peewee.RawQuery sqlalchemy.sql.expression.text "
     "django.db.connection.cursor.execute", names="sql text", direct="built")

# By the method's name alone, whatever the object is.
METHOD_SINKS = {}


def method(rule, harm, words, args=(0,), names="", direct="built"):
    made = Sink(rule, harm, args, tuple(names.split()), direct)
    for word in words.split():
        METHOD_SINKS[word] = made


method("sql-injection", "sql",
       "execute executemany executescript execute_async raw extra "
       "execute_sql run_query fetch_all read_sql fetchrow fetchval "
       "exec_driver_sql executemany_async mogrify RawSQL execute_query",
       names="sql query statement operation where")
method("xpath-injection", "xpath", "xpath", names="_path")
method("ldap-injection", "ldap", "search_s search_ext_s search_st",
       args=(0, 2), names="base filterstr")
method("command-injection", "cmd", "exec_command run_command",
       names="command cmd", direct="any")
method("path-traversal", "path", "send_file write_text_file")
HEADER = Sink("header-injection", "header", args=(0, 1), direct="built")
# Of a path object: what it does with the file that it names.
PATH_METHODS = set(
    "open read_text read_bytes write_text write_bytes unlink rmdir mkdir "
    "touch exists is_file is_dir iterdir glob rglob rename replace chmod "
    "stat symlink_to hardlink_to".split())
SHELL_CALLS = {"subprocess." + n for n in
               "run call check_call check_output Popen".split()} | {
                   "subprocess.Popen.Popen"}
LOG_METHODS = set("debug info warning warn error critical exception".split())
RULE_NAMES = {
    "sql-injection": "SQL injection",
    "command-injection": "Command injection",
    "code-injection": "Code injection",
    "path-traversal": "Path traversal",
    "template-injection": "Template injection",
    "unsafe-deserialization": "Unsafe deserialisation",
    "ssrf": "Server-side request forgery",
    "xpath-injection": "XPath injection",
    "ldap-injection": "LDAP injection",
    "xxe": "XML external entities",
    "open-redirect": "Open redirect",
    "header-injection": "Header injection",
    "log-injection": "Log injection",
    "regex-injection": "Regular expression injection",
    "zip-slip": "Archive path traversal",
    "cross-site-scripting": "Cross-site scripting",
    "dynamic-import": "Import of a chosen module",
    "dynamic-attribute": "Access to a chosen attribute",
    "trust-boundary": "Untrusted data in a session",
    "nosql-injection": "NoSQL injection",
    "resource-exhaustion": "Resource exhaustion",
}


def knows(path):
    """Whether a table says anything of this name of a module."""
    return any(path in table for table in (
        SINKS, CALL_SOURCES, ATTRIBUTE_SOURCES, READS, CLEANERS, SHELL_CALLS,
        REQUESTS))
