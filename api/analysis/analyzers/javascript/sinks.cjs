// SPDX-License-Identifier: Apache-2.0
/*
 * Where a value from outside does harm.  Each sink says which argument, what
 * the value would have to be made safe for, and whose values count: what a
 * library is given by its callers is no attack in itself, what a request
 * carries is.
 */
'use strict';

const { bare, property, wordsOf } = require('./ast.cjs');
const { pathOf, lastName, constantText } =
  require('./names.cjs');
const { FOR } = require('./taint.cjs');
const { USER_WORDS } = require('./sources.cjs');
const page = require('./sinks_page.cjs');

/* Whose values count for a rule, and how sure the finding is. */
const ANYBODY = { req: 'high', message: 'high', dom: 'high', stdin: 'medium',
  argv: 'low', remote: 'medium', param: 'medium' };
const CALLERS = { req: 'high', message: 'high', dom: 'medium',
  stdin: 'medium', param: 'medium' };
const REQUESTS = { req: 'high', message: 'medium' };

const RULES = {
  __proto__: null,
  'sql-injection': { need: FOR.sql, from: CALLERS,
    says: 'becomes part of an SQL text' },
  'nosql-injection': { need: FOR.nosql, from: REQUESTS,
    says: 'may be an object with operators such as $ne in a query' },
  'command-injection': { need: FOR.shell, from: { ...CALLERS, argv: 'low' },
    says: 'becomes part of a shell command' },
  'code-injection': { need: FOR.code, from: ANYBODY,
    says: 'is run as code' },
  'xss': { need: FOR.html, from: { req: 'high' },
    says: 'is sent as HTML without escaping' },
  'path-traversal': { need: FOR.path, from: { req: 'high', param: 'low' },
    says: 'decides which file is used' },
  'ssrf': { need: FOR.url, from: { req: 'high' },
    says: 'decides where this server connects to' },
  'open-redirect': { need: FOR.redirect, from: { req: 'high', dom: 'medium' },
    says: 'decides where the browser is sent' },
  'xxe': { need: FOR.code, from: { req: 'medium' },
    says: 'is parsed as XML with its entities' },
  'template-injection': { need: FOR.template, from: REQUESTS,
    says: 'is compiled as a template' },
  'dynamic-require': { need: FOR.path, from: REQUESTS,
    says: 'decides which module is loaded' },
  'regex-injection': { need: FOR.regex, from: { req: 'medium',
    message: 'medium' }, says: 'is compiled as a regular expression' },
  'prototype-pollution': { need: FOR.proto, from: { req: 'medium',
    message: 'medium' }, says: 'decides which property is written' },
  'header-injection': { need: FOR.header, from: { req: 'medium' },
    says: 'becomes part of a response header' },
  'unsafe-deserialization': { need: FOR.code, from: ANYBODY,
    says: 'is deserialised into live objects' },
  'log-injection': { need: FOR.log, from: { req: 'medium' },
    says: 'is written to the log with its line ends' },
  'xpath-injection': { need: FOR.sql, from: CALLERS,
    says: 'becomes part of an XPath expression' },
  'ldap-injection': { need: FOR.ldap, from: CALLERS,
    says: 'becomes part of an LDAP filter' },
  'unsafe-dynamic-call': { need: FOR.code, from: REQUESTS,
    says: 'decides which function is called' },
  'dom-xss': { need: FOR.html, from: { dom: 'high', message: 'high',
    req: 'high', param: 'medium', remote: 'low' },
  says: 'is parsed as HTML by the page' },
};


const SQL_STARTS = ['select', 'insert', 'update', 'delete', 'replace', 'drop',
  'create', 'alter', 'truncate', 'with', 'merge', 'call', 'exec', 'grant',
  'where', 'order', 'union', 'and', 'or', 'from', 'pragma', 'show', 'set'];
const SQL_SECOND = [' from ', ' into ', ' set ', ' where ', ' table ',
  ' values', ' database ', ' order by ', ' join ', ' index ', ' like '];

function looksSql(text) {
  const words = text.slice(0, 600).trimStart().toLowerCase();
  const spaced = ` ${words.replaceAll('\n', ' ').replaceAll('\t', ' ')} `;
  return SQL_STARTS.some((one) => words.startsWith(one)) &&
    SQL_SECOND.some((one) => spaced.includes(one));
}

const SQL_METHODS = new Set(['query', 'execute', 'raw', 'run', 'all', 'get',
  'each', 'exec', 'prepare', 'whereRaw', 'orderByRaw', 'havingRaw', 'joinRaw',
  'selectRaw', '$queryRawUnsafe', '$executeRawUnsafe', 'literal', 'queryAsync',
  'any', 'one', 'oneOrNone', 'none', 'many', 'manyOrNone', 'unsafe',
  'executeSql', 'batch', 'sql', 'executeQuery', 'runQuery']);
const SQL_ALWAYS = new Set(['whereRaw', 'orderByRaw', 'havingRaw', 'joinRaw',
  '$queryRawUnsafe', '$executeRawUnsafe', 'executeSql']);
const SQL_OBJECTS = new Set(['db', 'database', 'conn', 'connection', 'pool',
  'client', 'sequelize', 'knex', 'mysql', 'pg', 'sqlite', 'pgclient',
  'dbconnection', 'sql', 'mssql', 'con', 'dbclient', 'createConnection()',
  'createPool()', 'Pool()', 'Client()', 'Sequelize()', 'Database()']);

const NOSQL_METHODS = new Set(['find', 'findOne', 'findOneAndUpdate',
  'findOneAndDelete', 'findOneAndRemove', 'findOneAndReplace', 'update',
  'updateOne', 'updateMany', 'deleteOne', 'deleteMany', 'remove', 'count',
  'countDocuments', 'aggregate', 'where', 'distinct', 'exists', 'findAndModify',
  'replaceOne', 'findById', 'findAndUpdate']);

const SHELLS = new Set(['#child_process.exec', '#child_process.execSync',
  '#shelljs.exec', '#execa.command', '#execa.commandSync',
  '#execa.execaCommand', '#child-process-promise.exec',
  '#child_process.exec()', '#sync-exec', '#exec']);
const PROGRAMS = new Set(['#child_process.spawn', '#child_process.spawnSync',
  '#child_process.execFile', '#child_process.execFileSync', '#cross-spawn',
  '#execa', '#execa.execa']);
const SHELL_PROGRAMS = new Set(['sh', 'bash', '/bin/sh', '/bin/bash', 'cmd',
  'cmd.exe', 'powershell', 'zsh', '/usr/bin/env']);

const CODE = new Set(['eval', 'Function', '#vm.runInContext',
  '#vm.runInNewContext', '#vm.runInThisContext', '#vm.Script',
  '#vm.compileFunction', '#vm2.VM().run', '#vm2.NodeVM().run',
  '#vm2.VMScript', '#sandbox().run', 'execScript',
  '#static-eval', '#mathjs.eval', '#safe-eval', '#notevil']);
const TIMERS = new Set(['setTimeout', 'setInterval', 'setImmediate']);

const FILES = new Set(['readFile', 'readFileSync', 'writeFile',
  'writeFileSync', 'appendFile', 'appendFileSync', 'createReadStream',
  'createWriteStream', 'unlink', 'unlinkSync', 'readdir', 'readdirSync',
  'open', 'openSync', 'rm', 'rmSync', 'rmdir', 'rmdirSync', 'mkdir',
  'mkdirSync', 'rename', 'renameSync', 'copyFile', 'copyFileSync', 'stat',
  'access', 'accessSync', 'truncate', 'chmod', 'chmodSync', 'readJson',
  'readJsonSync', 'outputFile', 'remove', 'removeSync', 'copy', 'move',
  'exists', 'existsSync', 'statSync', 'lstat', 'lstatSync', 'symlink']);
const TWO_FILES = new Set(['rename', 'renameSync', 'copyFile', 'copyFileSync',
  'copy', 'move', 'symlink']);

const CONNECTS = new Set(['fetch', '#node-fetch', '#axios', '#axios.get',
  '#axios.post', '#axios.put', '#axios.delete', '#axios.head',
  '#axios.request', '#axios.patch', 'axios', 'axios.get', 'axios.post',
  '#request', '#request.get', '#request.post', '#request.put', '#got',
  '#got.get', '#got.post', '#needle', '#needle.get', '#needle.post',
  '#superagent.get', '#superagent.post', '#superagent', '#http.get',
  '#http.request', '#https.get', '#https.request', '#undici.request',
  '#undici.fetch', '#request-promise', '#request-promise.get', 'needle.get',
  '#request-promise-native', '#phantom', '#follow-redirects.http.get',
  '#net.connect', '#net.createConnection', '#bent', 'request', 'got',
  '#isomorphic-fetch', '#wkhtmltopdf', '#wkhtmltoimage.generate', '#cross-fetch', '#download', '#wreck.get']);
const PLACES = ['url', 'uri', 'host', 'hostname', 'baseURL', 'baseUrl'];

const TEMPLATES = new Set(['#pug.compile', '#pug.render', '#jade.compile',
  '#jade.render', '#ejs.compile', '#ejs.render', '#handlebars.compile',
  '#nunjucks.renderString', '#nunjucks.compile', '#lodash.template',
  '_.template', '#underscore.template', '#dot.template', '#dot.compile',
  '#mustache.render', '#hogan.js.compile', '#swig.render', '#swig.compile',
  'Handlebars.compile', '#eta.render', '#eta.renderString', '#twig.twig',
  'nunjucks.renderString', 'ejs.render', 'pug.compile', 'pug.render']);

const LIVE = new Set(['#node-serialize.unserialize', '#serialize-to-js',
  '#funcster.deepDeserialize', '#cryo.parse', '#serialize-to-js.deserialize',
  '#serialijse.deserialize', '#v8.deserialize', '#js-yaml.load',
  '#js-yaml.loadAll', '#yaml.load', '#unserialize', '#php-unserialize.unserialize',
  'serialize.unserialize', '#jsyaml.load', 'yaml.load', 'jsyaml.load']);

/* Parsers that put in what entities name, whatever they are told. */
const ENTITIES = new Set(['#node-expat.Parser().parse', '#xml2json.toJson',
  '#node-expat.Parser().write', '#xml2json', '#expat.Parser().parse']);

const MERGES = new Set(['#lodash.merge', '_.merge', '#lodash.defaultsDeep',
  '_.defaultsDeep', '#lodash.mergeWith', '#lodash.set', '_.set',
  '#merge-deep', '#deep-extend', '#deepmerge', '#extend', '$.extend',
  'jQuery.extend', '#merge', '#hoek.merge', '#lodash.setWith', '#dot-prop.set',
  '#object-path.set', '#lodash.zipObjectDeep']);

const LOGGERS = new Set(['console', 'logger', 'log', 'winston', '#winston',
  '#bunyan.createLogger()', '#pino()', '#winston.createLogger()',
  '#log4js.getLogger()', '#loglevel']);
const LOG_METHODS = new Set(['log', 'info', 'warn', 'error', 'debug', 'trace',
  'fatal', 'verbose', 'silly']);

const baseObject = (path) =>
  lastName(path.slice(0, path.lastIndexOf('.'))).replace('%', '');

const initial = (node) => node.type === 'Identifier' && node.binding &&
  node.binding.init && node.binding.keys.length === 0 ?
  bare(node.binding.init) : node;

class Sinks {
  constructor(report) {
    this.report = report;
    this.flow = null; // its caller, for parts of an argument
    this.plainReplies = new Set(); // functions that answer with no HTML
  }

  /* One finding, if the value does harm here. */
  hit(rule, value, node, confidence) {
    const { need, from, says } = RULES[rule];
    const sure = value && value.kind in from ? from[value.kind] : null;
    if (!sure || (value.clean & need) !== 0)
      return false;
    this.report(rule, node, `${value.what} ${says}.`,
      { confidence: confidence || sure });
    return true;
  }

  call(node, path, name, receiver, args, env) {
    const given = (i) => args[i] || null;
    if (path === 'require' && given(0))
      this.load(node, given(0));
    this.code(node, path, name, given);
    if (SHELLS.has(path) || PROGRAMS.has(path))
      this.shell(node, path, args);
    if (FILES.has(name) && !path.startsWith('@'))
      this.file(node, path, name, given);
    if (CONNECTS.has(path) && !node.callee.binding?.declared)
      this.connect(node, given, env);
    if (TEMPLATES.has(path))
      this.hit('template-injection', given(0), node);
    if (LIVE.has(path) || LIVE.has(path.replace('%', '')))
      this.live(node, path, given(0));
    if (ENTITIES.has(path))
      this.hit('xxe', given(0), node);
    if (MERGES.has(path))
      this.merge(node, path, args);
    if ((path === 'RegExp') && given(0))
      this.hit('regex-injection', given(0), node);
    if (node.type === 'CallExpression' && path.includes('.')) {
      this.sql(node, path, name, given(0));
      this.nosql(node, path, name, given(0));
      this.reply(node, path, name, args, env);
      this.logged(node, path, name, args);
      this.query(node, path, name, args);
    }
    page.call(this, node, path, name, args, receiver, env);
  }

  // ---- databases -------------------------------------------------------

  sql(node, path, name, value) {
    if (!SQL_METHODS.has(name) || path.startsWith('@') || !node.arguments[0])
      return;
    if (!value || value.inObject) {
      const text = property(node.arguments[0], 'text') ||
        property(node.arguments[0], 'sql');
      if (!text || !value)
        return;
    }
    const object = baseObject(path);
    const isText = looksSql(value.text);
    const isDatabase = SQL_OBJECTS.has(object) || SQL_OBJECTS.has(
      object.toLowerCase()) || SQL_ALWAYS.has(name);
    if (name === 'literal' && !['Sequelize', 'sequelize'].includes(object) &&
        !path.startsWith('#sequelize'))
      return;
    if (isText || (isDatabase && value.kind !== 'param' && !value.isObject &&
        ['query', 'execute', 'raw', 'exec', 'run', 'unsafe', 'literal']
          .includes(name)) || (SQL_ALWAYS.has(name) && value.isJoined))
      this.hit('sql-injection', value, node);
  }

  nosql(node, path, name, value) {
    if (!NOSQL_METHODS.has(name) || path[0] === '@' || path[0] === '$' ||
        path.startsWith('this.') && name === 'update')
      return;
    const query = bare(node.arguments[0] || null);
    if (!value || !query)
      return;
    if (property(query, '$where'))
      return;
    if (path.startsWith('#sequelize') || (query.type === 'ObjectExpression' &&
        ['where', 'data', 'include', 'attributes'].some(
          (one) => property(query, one))))
      return;
    const isQuery = query.type === 'ObjectExpression' || value.isObject ||
      value.isWhole;
    if (isQuery && value.isObject && !value.isJoined)
      this.hit('nosql-injection', value, node,
        value.isWhole ? 'high' : 'medium');
  }

  /* {$where: script}, wherever the object goes. */
  field(node, name, value) {
    if (name !== '$where' || !value || !['req', 'param', 'message']
      .includes(value.kind))
      return;
    this.report('nosql-injection', node,
      `${value.what} becomes part of a $where script.`,
      { confidence: value.kind === 'req' ? 'high' : 'medium' });
  }

  query(node, path, name, args) {
    const object = baseObject(path);
    if (name === 'search' && node.arguments.length > 1) {
      const filter = property(node.arguments[1], 'filter');
      if (args[1] && (filter || args[1].text.includes('(')))
        this.hit('ldap-injection', args[1], node);
    }
    if (/^#xpath\.(select1?|evaluate|parse)$/.test(path) || (object === 'xpath' &&
        ['select', 'select1', 'evaluate', 'parse'].includes(name)) ||
        path === 'document.evaluate')
      this.hit('xpath-injection', args[0] && (args[0].isJoined ||
        path !== 'document.evaluate') ? args[0] : null, node);
  }

  // ---- programs and code -----------------------------------------------

  shell(node, path, args) {
    if (SHELLS.has(path))
      return this.hit('command-injection', args[0] || null, node);
    const program = node.arguments[0] && constantText(node.arguments[0]);
    const options = node.arguments[node.arguments.length - 1];
    const shell = property(options, 'shell');
    const isShell = shell && !(shell.type === 'Literal' && !shell.value);
    if (isShell || SHELL_PROGRAMS.has(program))
      this.hit('command-injection', args[0] || args[1] || null, node);
    else if (args[0] && args[0].kind === 'req')
      this.hit('command-injection', args[0], node, 'medium');
  }

  code(node, path, name, given) {
    if (TIMERS.has(path) && given(0) && !given(0).inObject &&
        given(0).isJoined)
      this.hit('code-injection', given(0), node);
    if (!CODE.has(path))
      return;
    const last = path === 'Function' && node.arguments.length > 0 ?
      given(node.arguments.length - 1) : given(0);
    if (last && last.kind === 'param' && path !== 'eval' &&
        !last.isJoined && path !== 'Function')
      return;
    this.hit('code-injection', last, node);
  }

  dynamicCall(node, value) {
    if (value && !value.isJoined)
      this.hit('unsafe-dynamic-call', value, node);
  }

  load(node, value) {
    this.hit('dynamic-require', value, node);
  }

  live(node, path, value) {
    const isYaml = path.includes('yaml');
    const schema = node.arguments[1] && property(node.arguments[1], 'schema');
    if (isYaml && schema && !pathOf(schema).includes('FULL'))
      return;
    if (isYaml && value && value.kind === 'param')
      return;
    this.hit('unsafe-deserialization', value, node,
      isYaml ? 'low' : undefined);
  }

  // ---- files and connections -------------------------------------------

  file(node, path, name, given) {
    const module = path.split('.', 1)[0];
    if (!['#fs', '#fs-extra', '#graceful-fs', 'fs', '%fs', '#mz/fs', '%fsp']
      .includes(module))
      return;
    const quiet = ['exists', 'existsSync', 'stat', 'statSync', 'lstat',
      'lstatSync', 'access', 'accessSync'].includes(name);
    for (const i of TWO_FILES.has(name) ? [0, 1] : [0]) {
      const value = given(i);
      if (!value || (quiet && value.kind !== 'req'))
        continue;
      if (value.kind === 'param' && !this.isUsersPath(value))
        continue;
      if (this.hit('path-traversal', value, node))
        return;
    }
  }

  /* A library's own parameter: only a name that a user gives, in a folder. */
  isUsersPath(value) {
    const words = wordsOf(value.name);
    return value.isJoined && !value.isFirst &&
      (value.prefix === null || value.prefix !== '') &&
      words.some((one) => USER_WORDS.has(one)) &&
      words.some((one) => ['user', 'input', 'filename', 'requested',
        'untrusted', 'uploaded'].includes(one));
  }

  connect(node, given, env) {
    const first = bare(node.arguments[0] || null);
    if (!first)
      return;
    if (first.type === 'ObjectExpression') {
      const place = PLACES.map((one) => property(first, one)).find(Boolean);
      if (place && given(0))
        this.hit('ssrf', this.flow.evaluate(place, env), node);
      return;
    }
    this.hit('ssrf', given(0), node);
  }

  merge(node, path, args) {
    const from = path.endsWith('.set') || path.endsWith('setWith') ? 1 : 0;
    for (let i = from; i < args.length; i++) {
      const value = args[i];
      if (!value || (from === 0 && !value.isObject) || value.inObject)
        continue;
      const isDeep = !path.endsWith('xtend') || (node.arguments[0].type ===
        'Literal' && node.arguments[0].value === true);
      if (isDeep && this.hit('prototype-pollution', value, node))
        return;
      if (from === 1)
        return;
    }
  }

  // ---- answers -----------------------------------------------------------

  reply(node, path, name, args, env) {
    const isReply = path.startsWith('@res') || path.startsWith('@ctx') ||
      baseObject(path) === 'res' || path.startsWith('%res.');
    if (!isReply)
      return;
    const value = args[0] || null;
    switch (name) {
    case 'redirect':
    case 'location':
      this.hit('open-redirect', value || args[1] || null, node);
      break;
    case 'sendFile':
    case 'sendfile':
    case 'download': {
      const options = node.arguments[name === 'download' ? 2 : 1];
      if (!property(options, 'root'))
        this.hit('path-traversal', value, node);
      break;
    }
    case 'render':
      if (value && !value.inObject)
        this.hit('path-traversal', value, node, 'medium');
      if (args[1] && args[1].isWhole && args[1].kind === 'req')
        this.report('template-injection', node,
          `${args[1].what} decides the options of the template engine.`,
          { confidence: 'medium' });
      break;
    case 'setHeader':
    case 'header':
    case 'set':
    case 'append':
    case 'writeHead':
      this.header(node, name, args, env);
      break;
    case 'type':
    case 'contentType':
      this.kind(node, node.arguments[0]);
      break;
    case 'send':
    case 'write':
    case 'end':
      this.html(node, name, value);
    }
  }

  /* From here on the function answers with something that is no HTML. */
  kind(node, value) {
    const text = value ? constantText(value) : null;
    if (text !== null && !text.includes('html'))
      this.plainReplies.add(this.around(node));
  }

  around(node) {
    let up = node.parent;
    while (up.parent && !up.params)
      up = up.parent;
    return up;
  }

  header(node, name, args, env) {
    if (name === 'writeHead') {
      const fields = node.arguments[node.arguments.length - 1];
      const place = property(fields, 'Location') ||
        property(fields, 'location');
      this.kind(node, property(fields, 'Content-Type') ||
        property(fields, 'content-type'));
      if (place)
        this.hit('open-redirect', this.flow.evaluate(place, env), node);
      return;
    }
    const field = node.arguments[0] && constantText(node.arguments[0]);
    if (field && field.toLowerCase() === 'content-type')
      return this.kind(node, node.arguments[1]);
    if (field && field.toLowerCase() === 'location')
      return this.hit('open-redirect', args[1] || null, node);
    if (field && field.toLowerCase() === 'access-control-allow-origin')
      return undefined;
    return this.hit('header-injection', args[1] || args[0] || null, node);
  }

  html(node, name, value) {
    if (!value || value.inObject || value.inArray || value.isWhole ||
        this.plainReplies.has(this.around(node)))
      return;
    const hasTags = value.text.includes('<');
    if (name !== 'send' && !hasTags && value.isJoined)
      return;
    this.hit('xss', value, node, hasTags || name === 'send' ? undefined :
      'medium');
  }

  logged(node, path, name, args) {
    if (!LOG_METHODS.has(name))
      return;
    const object = path.slice(0, path.lastIndexOf('.'));
    if (!LOGGERS.has(object.replace('%', '')) && !object.endsWith('logger'))
      return;
    for (const value of args)
      if (value && !value.inObject && !value.isWhole && (value.isJoined ||
          value === args[0] || value.what.split('.').length > 2) &&
          this.hit('log-injection', value, node))
        return;
  }

  // ---- writing -------------------------------------------------------------

  assignment(node, value, env) {
    const left = bare(node.left);
    if (left.type === 'MemberExpression' && left.computed) {
      /* let inner = object[name]; inner[other] = value; */
      const inner = initial(bare(left.object));
      const outer = inner.type === 'MemberExpression' && inner.computed ?
        inner.property.tainted_ : null;
      if (outer && !outer.isJoined && left.property.tainted_)
        this.hit('prototype-pollution', outer, node);
    }
    page.assignment(this, node, left, value, env);
  }

  member(node, index) {
    if (node.computed)
      node.property.tainted_ = index;
  }

  attribute(node, value) {
    page.attribute(this, node, value);
  }
}

module.exports = { Sinks };
