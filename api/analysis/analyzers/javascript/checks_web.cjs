// SPDX-License-Identifier: Apache-2.0
/*
 * What a web server or a page is told to do, or not to do: cookies, CORS,
 * escaping, messages between windows, debugging aids, plain HTTP.
 */
'use strict';

const { bare, keyName, property, literalOf, hasSpread, wordsOf, walk } =
  require('./ast.cjs');
const { pathOf, calleeName, constantText, functionOf } =
  require('./names.cjs');

const isFalse = (node) => Boolean(node) && node.type === 'Literal' &&
  node.value === false;
const isTrue = (node) => Boolean(node) && (node.type === 'Literal' &&
  node.value === true || (node.type === 'UnaryExpression' &&
  node.operator === '!' && node.argument.value === 0));

const SESSION_NAMES = new Set(['session', 'sid', 'sessionid', 'token', 'jwt',
  'auth', 'connect']);

function cookie(node, program) {
  const path = pathOf(node.callee);
  const name = calleeName(node);
  if ((path === '#express-session' || path === '#cookie-session') &&
      node.arguments[0] &&
      literalOf(node.arguments[0]).type === 'ObjectExpression') {
    sessionCookie(node, property(node.arguments[0], 'cookie'), program,
      path === '#cookie-session' ? literalOf(node.arguments[0]) : null);
    return;
  }
  if (name !== 'cookie' || node.arguments.length < 2 ||
      !(path.startsWith('@res') || path.startsWith('res.')))
    return;
  const options = literalOf(node.arguments[2] || null);
  const text = constantText(node.arguments[0]) || '';
  const isSession = wordsOf(text).some((one) => SESSION_NAMES.has(one));
  if (!options) {
    if (isSession)
      program.report('insecure-cookie', node,
        'a session cookie is set without httpOnly and secure.');
    return;
  }
  if (options.type !== 'ObjectExpression' || hasSpread(options))
    return;
  const httpOnly = property(options, 'httpOnly');
  const secure = property(options, 'secure');
  if (isFalse(httpOnly) || isFalse(secure) || (isSession &&
      (!httpOnly || !secure)))
    program.report('insecure-cookie', node,
      'the cookie can be read by scripts or sent without TLS.');
}

function sessionCookie(node, options, program, own) {
  const object = own || literalOf(options);
  if (object && object.type !== 'ObjectExpression')
    return;
  const secure = object && property(object, 'secure');
  const httpOnly = object && property(object, 'httpOnly');
  if (isFalse(secure) || isFalse(httpOnly))
    program.report('insecure-cookie', node,
      'the session cookie can be read by scripts or sent without TLS.');
  else if (!secure && !(object && hasSpread(object)))
    program.report('insecure-cookie', node,
      'the session cookie is also sent without TLS.', { confidence: 'low' });
}

function cors(node, program) {
  if (pathOf(node.callee) !== '#cors' && calleeName(node) !== 'cors')
    return;
  const options = node.arguments[0];
  const origin = options && property(options, 'origin');
  if (!isTrue(options && property(options, 'credentials')) || !origin)
    return;
  if (constantText(origin) === '*' || isTrue(origin))
    program.report('cors-credentials', node,
      'every site may send requests with the user\'s cookies.');
}

/* Two headers of one function. */
function corsHeaders(node, program) {
  const name = calleeName(node);
  if (!['setHeader', 'header', 'set'].includes(name) ||
      node.arguments.length < 2)
    return;
  const header = (constantText(node.arguments[0]) || '').toLowerCase();
  if (header !== 'access-control-allow-origin')
    return;
  const value = pathOf(node.arguments[1]);
  const text = constantText(node.arguments[1]);
  if (text !== '*' && !value.startsWith('@req.headers') &&
      value !== '@req.get()' && value !== '@req.header()')
    return;
  let fn = node.parent;
  while (fn.parent && !fn.params)
    fn = fn.parent;
  let isWith = false;
  walk(fn, (one) => {
    if (one.type === 'CallExpression' && one.arguments.length > 1 &&
        (constantText(one.arguments[0]) || '').toLowerCase() ===
        'access-control-allow-credentials')
      isWith = true;
    return !isWith;
  });
  if (isWith)
    program.report('cors-credentials', node,
      'every site may send requests with the user\'s cookies.');
}

const ESCAPING_OFF = new Map(Object.entries({
  escapeMarkup: false, autoescape: false, autoEscape: false, noEscape: true,
  escapeHTML: false,
}));

function escaping(name, value, node, program) {
  if (!ESCAPING_OFF.has(name) || !value || value.type !== 'Literal' ||
      value.value !== ESCAPING_OFF.get(name))
    return;
  program.report('escaping-off', node,
    `${name}: ${value.value} sends values to the page as they are.`);
}

function markdown(node, program) {
  const path = pathOf(node.callee);
  if (/^#(marked|showdown|markdown-it)/.test(path) || path === 'marked' ||
      path.endsWith('marked.setOptions')) {
    const options = node.arguments[node.arguments.length - 1];
    const html = property(options, 'html');
    const sanitize = property(options, 'sanitize');
    if (isFalse(sanitize) || (path.startsWith('#markdown-it') && isTrue(html)))
      program.report('escaping-off', node,
        'HTML in the text is passed through.');
  }
}

const WORKERS = ['worker', 'port', 'channel', 'parentPort', 'self', 'process',
  'broadcast', 'client', 'swDelegate'];

function messages(node, program) {
  const name = calleeName(node);
  const path = pathOf(node.callee);
  if (name === 'postMessage' && node.arguments.length >= 2 &&
      constantText(node.arguments[1]) === '*' &&
      !WORKERS.some((one) => path.toLowerCase().includes(`${one}.`)))
    program.report('post-message-wildcard', node,
      'any site that is in the window can read the message.');
  if (name === 'addEventListener' && node.arguments[0] &&
      node.arguments[0].value === 'message' &&
      (path === 'addEventListener' || path.startsWith('window.')))
    listener(node.arguments[1], node, program);
}

function listener(value, node, program) {
  const fn = value && functionOf(value);
  if (!fn)
    return;
  let usesData = false;
  let isChecked = false;
  walk(fn, (one) => {
    const name = one.type === 'MemberExpression' ? keyName(one) :
      one.type === 'Property' ? keyName(one) : null;
    if (name === 'data')
      usesData = true;
    if (name === 'origin' || name === 'source' || name === 'isTrusted')
      isChecked = true;
    if (one.type === 'CallExpression' && wordsOf(calleeName(one))
      .some((word) => ['origin', 'trusted'].includes(word)))
      isChecked = true;
  });
  if (usesData && !isChecked)
    program.report('post-message-origin', node,
      'messages of any site are believed.');
}

/* console.trace and error pages for developers. */
function debug(node, program) {
  const path = pathOf(node.callee);
  if (path === '#errorhandler' || path === '#express.errorHandler' ||
      path === 'express.errorHandler') {
    for (let up = node.parent; up; up = up.parent)
      if (up.type === 'IfStatement' || up.type === 'ConditionalExpression' ||
          up.type === 'LogicalExpression')
        return;
    program.report('debug-enabled', node,
      'errors are shown to clients with stack and source.');
  }
}

function errorDetail(node, program) {
  const path = pathOf(node.callee);
  if (!/^@res(\.status\(\))?\.(send|json|end|write|render)$/.test(path))
    return;
  for (const one of node.arguments)
    if (hasStack(one, 0)) {
      program.report('error-detail', node,
        'the stack of an error is sent to the client.');
      return;
    }
}

function hasStack(node, depth) {
  node = bare(node);
  if (!node || depth > 4)
    return false;
  if (node.type === 'MemberExpression') {
    const object = pathOf(node.object);
    return keyName(node) === 'stack' && (/err|^%e$|ex/i.test(object));
  }
  if (node.type === 'ObjectExpression')
    return node.properties.some((one) => one.type === 'Property' &&
      hasStack(one.value, depth + 1));
  if (node.type === 'BinaryExpression')
    return hasStack(node.left, depth + 1) || hasStack(node.right, depth + 1);
  return node.type === 'TemplateLiteral' &&
    node.expressions.some((one) => hasStack(one, depth + 1));
}

const HTTP_LOGIN = ['login', 'auth', 'token', 'password', 'signin', 'oauth',
  'account', 'payment', 'session', 'credential'];

function plainHttp(node, program) {
  const first = node.arguments[0] && constantText(node.arguments[0]);
  if (calleeName(node) === 'createInsecure')
    program.report('cleartext-http', node,
      'what is sent over this connection is not encrypted.');
  const isSocket = calleeName(node) === 'WebSocket' && first &&
    first.startsWith('ws://');
  const text = isSocket ? `http${first.slice(2)}` : first;
  if (!text || !text.startsWith('http://'))
    return;
  const host = text.slice(7).split(/[/:?]/, 1)[0];
  if (/^(localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|\[)/.test(host) ||
      host.endsWith('.local') || !host.includes('.') ||
      host.endsWith('.internal') || host === '')
    return;
  const low = text.slice(7).toLowerCase();
  const body = node.arguments.slice(1).map(bare);
  const sendsSecret = body.some((one) => one && one.type ===
    'ObjectExpression' && carriesSecret(one, 0));
  if (isSocket || sendsSecret || HTTP_LOGIN.some((one) => low.includes(`/${one}`)))
    program.report('cleartext-http', node,
      'a secret goes over the network without TLS.');
}

function carriesSecret(object, depth) {
  return depth < 4 && object.properties.some((one) => {
    if (one.type !== 'Property')
      return false;
    const name = (keyName(one) || '').toLowerCase();
    return ['authorization', 'password', 'token', 'apikey', 'api_key',
      'x-api-key', 'cookie', 'secret', 'auth'].includes(name) ||
      (bare(one.value).type === 'ObjectExpression' &&
      carriesSecret(bare(one.value), depth + 1));
  });
}

const ELECTRON = new Map(Object.entries({ nodeIntegration: true,
  contextIsolation: false, webSecurity: false, sandbox: false,
  allowRunningInsecureContent: true, nodeIntegrationInWorker: true }));

function electron(node, program) {
  const name = keyName(node);
  if (!ELECTRON.has(name) || !node.value || node.value.type !== 'Literal' ||
      node.value.value !== ELECTRON.get(name))
    return;
  const around = node.parent && node.parent.parent;
  if (name === 'sandbox' && !(around && keyName(around) === 'webPreferences'))
    return;
  if (around && (keyName(around) === 'webPreferences' ||
      pathOf(around.callee || null).endsWith('BrowserWindow')))
    program.report('electron-insecure', node,
      `${name}: ${node.value.value} gives pages the rights of the program.`);
}

function listing(node, program) {
  const path = pathOf(node.callee);
  const first = node.arguments[0];
  if (path === '#serve-index') {
    program.report('exposed-directory', node,
      'the names of all files in a folder are shown.');
  } else if (path === '#express.static' && first) {
    const text = constantText(first);
    if (pathOf(first) === '__dirname' || text === '.' || text === '/' ||
        text === './' || pathOf(first) === 'process.cwd()')
      program.report('exposed-directory', node,
        'the program\'s own folder, with its settings, is served.');
  }
}

/* $sce.trustAsHtml(x), serialize(x, {unsafe: true}): x is not looked at. */
function trusted(node, program) {
  const name = calleeName(node);
  const path = pathOf(node.callee);
  const first = node.arguments[name === 'trustAs' ? 1 : 0];
  if (/^(trustAs|bypassSecurityTrust)/.test(name) && first &&
      constantText(first) === null)
    program.report('escaping-off', node,
      `${name}() switches off what makes values safe.`,
      { confidence: 'medium' });
  else if (path === '#serialize-javascript' &&
      isTrue(property(node.arguments[1], 'unsafe')))
    program.report('escaping-off', node,
      'unsafe: true leaves out the escaping of HTML.');
}

module.exports = {
  NewExpression: plainHttp,
  CallExpression(node, program) {
    trusted(node, program);
    cookie(node, program);
    cors(node, program);
    corsHeaders(node, program);
    markdown(node, program);
    messages(node, program);
    debug(node, program);
    errorDetail(node, program);
    plainHttp(node, program);
    listing(node, program);
  },
  Property(node, program) {
    electron(node, program);
    if (!pathOf(node.parent.parent.callee || null).startsWith('Object.'))
      escaping(keyName(node), node.value, node, program);
  },
  AssignmentExpression(node, program) {
    const left = bare(node.left);
    if (left.type !== 'MemberExpression')
      return;
    escaping(keyName(left), bare(node.right), node, program);
    if (keyName(left) === 'onmessage' && (pathOf(left.object) === 'window'))
      listener(node.right, node, program);
  },
  DebuggerStatement(node, program) {
    program.report('debug-enabled', node,
      'the program stops here when a debugger is attached.');
  },
};
