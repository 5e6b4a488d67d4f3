// SPDX-License-Identifier: Apache-2.0
/*
 * Dangerous calls that need no value from outside to be wrong.
 */
'use strict';

const { bare, keyName, property, walk, isFunction, functionAround } =
  require('./ast.cjs');
const { pathOf, calleeName, constantText, isConstant } =
  require('./names.cjs');

function dynamicEval(node, program) {
  const path = pathOf(node.callee);
  if (program.has('code-injection', node))
    return;
  if (path === 'eval' || path === 'Function' || path === 'execScript') {
    const code = node.arguments[node.arguments.length - 1];
    if (code && !isConstant(code))
      program.report('dynamic-eval', node,
        `${path}() runs a text that is made while the program runs.`);
  } else if ((path === 'setTimeout' || path === 'setInterval') &&
      node.arguments[0]) {
    const code = bare(node.arguments[0]);
    if (code.type === 'Literal' && typeof code.value === 'string' ||
        code.type === 'TemplateLiteral' ||
        (code.type === 'BinaryExpression' && code.operator === '+'))
      program.report('dynamic-eval', node, `${path}() is given a text to run.`);
  }
}

const SENDS = new Set(['send', 'write', 'end', 'json', 'emit', 'resolve']);

function buffers(node, program) {
  const path = pathOf(node.callee);
  if (node.type === 'NewExpression' && path === 'Buffer' &&
      node.arguments.length === 1 && mayBeNumber(bare(node.arguments[0]))) {
    program.report('uninitialized-buffer', node,
      'new Buffer() of a number holds what was in memory before.');
  } else if ((path === 'Buffer.allocUnsafe' ||
      path === 'Buffer.allocUnsafeSlow') && isSent(node)) {
    program.report('uninitialized-buffer', node,
      'the buffer holds what was in memory before.', { confidence: 'low' });
  }
}

const mayBeNumber = (node) => !(node.type === 'Literal' &&
  typeof node.value === 'string') && node.type !== 'ArrayExpression' &&
  node.type !== 'TemplateLiteral' && !(node.type === 'CallExpression' &&
  /^(toString|stringify|join|from)$/.test(calleeName(node)));

/* Given on as it is: nobody has written to it before. */
function isSent(node) {
  const up = node.parent;
  if (up.type === 'CallExpression' && up.arguments.includes(node))
    return SENDS.has(calleeName(up));
  if (up.type === 'MemberExpression')
    return up.object === node && keyName(up) === 'toString';
  const binding = up.type === 'VariableDeclarator' &&
    up.id.type === 'Identifier' ? up.id.binding : null;
  return Boolean(binding) && binding.reads.length > 0 &&
    binding.reads.every((one) => {
      const use = one.parent;
      return use.type === 'ReturnStatement' || (use.type ===
        'CallExpression' && use.arguments.includes(one) &&
        SENDS.has(calleeName(use)));
    });
}

/* .replace('<', ...) replaces the first one only. */
function oneReplace(node, program) {
  if (calleeName(node) !== 'replace' || node.arguments.length !== 2)
    return;
  const [from, to] = node.arguments.map(bare);
  const text = from.type === 'Literal' && typeof from.value === 'string' ?
    from.value : null;
  const regex = from.regex && !from.regex.flags.includes('g') ?
    from.regex.pattern : null;
  const into = constantText(to) ?? '';
  const what = text ?? regex;
  if (what === null)
    return;
  const isEscape = ['<', '>', '&', '"', '\''].includes(what) &&
    (into.startsWith('&') || into.startsWith('\\') || into === '' ||
    into === `${what}${what}`);
  const isPath = ['../', '..', '..\\'].includes(text ?? '') && into === '';
  const isScript = what.toLowerCase().startsWith('<script') && into === '';
  if (isEscape || isPath || isScript)
    program.report('incomplete-sanitization', node,
      `only the first ${isScript ? 'script tag' : 'one'} is replaced.`);
}

/* url.includes('example.com') is true for evil.com/?example.com, too. */
function urlCheck(node, program) {
  const name = calleeName(node);
  if (!['includes', 'indexOf', 'startsWith', 'endsWith'].includes(name) ||
      node.arguments.length !== 1 ||
      bare(node.callee).type !== 'MemberExpression')
    return;
  const text = constantText(node.arguments[0]);
  if (text === null || text.length < 6 || text.length > 200)
    return;
  const object = bare(bare(node.callee).object);
  const holder = (object.type === 'Identifier' ? object.name :
    object.type === 'MemberExpression' ? keyName(object) || '' : '')
    .toLowerCase();
  if (!/(url|uri|href|host|origin|referer|referrer|domain|redirect)/
    .test(holder))
    return;
  const host = text.startsWith('http://') || text.startsWith('https://') ?
    text.slice(text.indexOf('//') + 2) : text;
  const isHost = /^[a-z0-9.-]{3,80}\.[a-z]{2,6}$/i.test(host) &&
    !/\.(js|css|html|json|png|svg|php|map|ts|mjs|cjs|jsx|vue|md)$/i.test(host);
  if (!isHost || (name === 'endsWith' && text.startsWith('.')))
    return;
  if (name === 'startsWith' && text === host)
    return;
  program.report('incomplete-url-check', node,
    'another host can have this text in its address.');
}

function permissions(node, program) {
  const name = calleeName(node);
  if (!['chmod', 'chmodSync', 'fchmod', 'fchmodSync'].includes(name) ||
      node.arguments.length < 2)
    return;
  const mode = bare(node.arguments[1]);
  const text = typeof mode.value === 'string' ? parseInt(mode.value, 8) :
    mode.value;
  if (Number.isInteger(text) && (text & 0o002) !== 0)
    program.report('world-writable', node,
      'every user of the machine may write to the file.');
}

const TEMP_WRITES = new Set(['writeFile', 'writeFileSync', 'appendFile',
  'appendFileSync', 'createWriteStream', 'open', 'openSync']);

function tempFile(node, program) {
  if (!TEMP_WRITES.has(calleeName(node)) || !node.arguments[0])
    return;
  const module = pathOf(node.callee).split('.', 1)[0];
  if (!['#fs', '#fs-extra', 'fs', '#graceful-fs'].includes(module))
    return;
  const text = constantText(node.arguments[0]);
  const flag = property(node.arguments[node.arguments.length - 1], 'flag');
  const mode = constantText(node.arguments[1] || null);
  if (text && (text.startsWith('/tmp/') || text.startsWith('/var/tmp/')) &&
      !(flag && (constantText(flag) || '').includes('x')) &&
      !(/^open/.test(calleeName(node)) && (mode === null || mode === 'r' ||
      mode.includes('x'))))
    program.report('temp-file', node,
      'anybody on the machine can put a file or a link there first.');
}

function xml(node, program) {
  const path = pathOf(node.callee);
  const options = node.arguments[node.arguments.length - 1];
  const entities = property(options, 'noent') || property(options, 'dtdload') ||
    property(options, 'replaceEntities');
  if (entities && entities.value !== false &&
      (path.startsWith('#libxml') || /parse(Xml|XML|Xml|Html)/.test(path) ||
      path.includes('libxml')))
    program.report('xxe', node, 'entities of the document are read from files.');
}

const isElement = (node, key) => node.type === 'MemberExpression' &&
  node.computed && bare(node.property).name === key;

/* for (k in from) to[k] = merge(to[k], from[k]) with nothing kept out. */
function mergeLoop(node, program) {
  const fn = functionAround(node);
  if (!isFunction(fn))
    return;
  const key = node.left.type === 'VariableDeclaration' ?
    node.left.declarations[0].id.name : node.left.name;
  if (!key)
    return;
  const own = fn.id ? fn.id.name : fn.parent.type === 'VariableDeclarator' ?
    fn.parent.id.name : null;
  let write = null;
  let recurses = false;
  let isGuarded = false;
  walk(fn, (one) => {
    if (one.type === 'Literal' && (one.value === '__proto__' ||
        one.value === 'constructor'))
      isGuarded = true;
    if (one.type === 'CallExpression' && own && calleeName(one) === own &&
        one.arguments.some((given) => isElement(bare(given), key)))
      recurses = true;
    if (one.type === 'AssignmentExpression') {
      if (isElement(bare(one.left), key))
        write = one;
    }
    if (one.type === 'CallExpression' && ['hasOwn', 'hasOwnProperty',
      'isSafeKey', 'isPrototypePolluted'].includes(calleeName(one)) &&
      /(target|dest|to|dst|obj1|base|into|object)/i
        .test(pathOf(bare(one.callee).object || null)))
      isGuarded = true;
  });
  if (write && recurses && !isGuarded)
    program.report('prototype-pollution', write,
      'a deep merge also writes to __proto__.', { confidence: 'medium' });
}

const BIDI = ['\u202a', '\u202b', '\u202d', '\u202e', '\u2066', '\u2067',
  '\u2068'];

function trojan(program) {
  const starts = [];
  for (const c of BIDI)
    for (let at = program.text.indexOf(c); at >= 0 && starts.length < 100;
      at = program.text.indexOf(c, at + 1))
      starts.push(at);
  for (const start of starts)
    program.report('trojan-source', { start, end: start + 1 },
      'an invisible sign changes the order in which this line is shown.');
}

module.exports = {
  CallExpression(node, program) {
    dynamicEval(node, program);
    buffers(node, program);
    oneReplace(node, program);
    urlCheck(node, program);
    permissions(node, program);
    tempFile(node, program);
    xml(node, program);
  },
  NewExpression(node, program) {
    dynamicEval(node, program);
    buffers(node, program);
  },
  ForInStatement: mergeLoop,
  end: trojan,
};
