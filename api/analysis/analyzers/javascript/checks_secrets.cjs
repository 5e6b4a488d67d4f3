// SPDX-License-Identifier: Apache-2.0
/*
 * Secrets written into the program: by the name of what holds them and the look
 * of the value, or by a form that only keys have.  A message never quotes one.
 */
'use strict';

const { bare, keyName, wordsOf, property, literalOf } = require('./ast.cjs');
const { pathOf, calleeName, constantText } = require('./names.cjs');

const TEXT_MAX = 4096;
const ALONE = new Set(['password', 'passwd', 'pwd', 'passphrase', 'secret',
  'apikey', 'token', 'credentials', 'passwort', 'apitoken', 'authtoken',
  'secretkey', 'accesskey', 'privatekey', 'pass', 'psk']);
const KEY_BEFORE = new Set(['api', 'secret', 'private', 'access', 'encryption',
  'signing', 'master', 'auth', 'crypto', 'jwt', 'aes', 'hmac', 'session',
  'cipher', 'cookie']);
const NOT_SECRET_BEFORE = new Set(['forgot', 'reset', 'invalid', 'no',
  'missing', 'wrong', 'show', 'hide', 'change', 'confirm', 'is', 'has', 'use',
  'next', 'page', 'continuation', 'lex', 'parse', 'syntax', 'first', 'last',
  'cancel', 'bad', 'test', 'mock', 'fake', 'dummy', 'example', 'sample', 'get',
  'prev', 'current', 'comment', 'operator', 'eof', 'end', 'start']);
const PLACEHOLDERS = ['your', 'example', 'placeholder', 'xxxx', '****', '....',
  'insert', 'replace', 'todo', 'dummy', 'sample', 'redacted', 'process.env',
  'env.', '${', '<', '{{', 'undefined', 'null', 'none', 'false', 'true',
  'required', 'invalid', 'must', 'enter', 'localhost'];

/* Starts that only keys of one kind have, and how long what follows is. */
const FORMS = [
  ['AKIA', 16, 'an AWS access key'], ['ASIA', 16, 'an AWS access key'],
  ['ghp_', 36, 'a GitHub token'], ['gho_', 36, 'a GitHub token'],
  ['github_pat_', 22, 'a GitHub token'], ['glpat-', 20, 'a GitLab token'],
  ['xoxb-', 20, 'a Slack token'], ['xoxp-', 20, 'a Slack token'],
  ['sk_live_', 16, 'a Stripe key'], ['rk_live_', 16, 'a Stripe key'],
  ['AIza', 35, 'a Google API key'], ['SG.', 40, 'a SendGrid key'],
  ['sk-ant-', 20, 'an API key'], ['npm_', 36, 'an npm token'],
  ['eyJhbGciOi', 60, 'a signed token'], ['sk-proj-', 20, 'an API key'],
];

function entropy(text) {
  const counts = new Map();
  for (const c of text)
    counts.set(c, (counts.get(c) || 0) + 1);
  let bits = 0;
  for (const n of counts.values())
    bits -= n / text.length * Math.log2(n / text.length);
  return bits;
}

function isSecretName(name) {
  if (name === 'secretOrKey')
    return 'secret';
  const words = wordsOf(name);
  if (words.length > 0 && /^\d+$/.test(words[words.length - 1]))
    words.pop();
  const last = words[words.length - 1];
  const before = words[words.length - 2];
  if (words.some((one) => NOT_SECRET_BEFORE.has(one)))
    return null;
  if (ALONE.has(last))
    return last === 'token' && words.length === 1 ? 'token' : 'secret';
  if (last === 'key' && KEY_BEFORE.has(before))
    return 'secret';
  return last === 'salt' && words.length > 1 ? 'token' : null;
}

/* Could it be the value of a secret, and not its name, a label, a message? */
function looksSecret(text, kind) {
  if (text.length < 4 || text.length > 512)
    return false;
  const low = text.toLowerCase();
  if (PLACEHOLDERS.some((one) => low.includes(one)))
    return false;
  if (/\s/.test(text))
    return false;
  let hasDigit = false;
  let hasOther = false;
  let isOne = true;
  for (const c of text) {
    if (c >= '0' && c <= '9')
      hasDigit = true;
    else if (!(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'))
      hasOther = true;
    if (c !== text[0])
      isOne = false;
  }
  if (isOne)
    return false;
  const words = wordsOf(text);
  if (!hasDigit && words.some((one) => ALONE.has(one) || one === 'key' ||
      one === 'auth'))
    return /^(super|top|very|my|shh)/.test(low) && kind === 'secret';
  if (low.startsWith('http') || low.startsWith('/') || low.startsWith('./') ||
      low.startsWith('#') || low.startsWith('.') || low.startsWith('['))
    return false;
  if (kind === 'token')
    return text.length >= 16 && hasDigit && entropy(text) > 3;
  if (hasDigit)
    return true;
  /* Letters alone: a word, or with a mark (P@ss!) or mixed case a password. */
  if (hasOther)
    return /[!@$%^&*?]/.test(text) && !/[()<>=|]/.test(text);
  return text.length >= 6 && kind === 'secret' && words.length === 1 &&
    entropy(text) > 2.2;
}

function check(name, value, node, program) {
  value = bare(value);
  if (!name || !value || !['Literal', 'TemplateLiteral',
    'LogicalExpression'].includes(value.type))
    return;
  if (value.type === 'LogicalExpression') {
    if (value.operator !== '&&')
      check(name, value.right, node, program);
    return;
  }
  const kind = isSecretName(name);
  const text = constantText(value);
  if (!kind || text === null || typeof (value.value ?? '') === 'number' ||
      text.length > TEXT_MAX || !looksSecret(text, kind) ||
      text.toLowerCase() === name.toLowerCase())
    return;
  const hasDigit = /\d/.test(text);
  program.report('hardcoded-secret', node,
    `${name.slice(0, 40)} is written into the program.`,
    { confidence: hasDigit && text.length > 7 ? 'high' : 'medium' });
}

function hasRun(text, from, length) {
  if (text.length < from + length)
    return false;
  for (let i = from; i < from + length; i++)
    if (!/[A-Za-z0-9_.-]/.test(text[i]))
      return false;
  return true;
}

function form(node, program) {
  const text = typeof node.value === 'string' ? node.value :
    node.value && typeof node.value.cooked === 'string' ? node.value.cooked :
      null;
  if (text === null || text.length < 16)
    return;
  for (const [start, length, what] of FORMS)
    if (text.startsWith(start) && hasRun(text, start.length, length) &&
        !text.includes('EXAMPLE') && !text.includes('xxxx') &&
        entropy(text) > 2.5) {
      program.report('hardcoded-secret', node,
        `${what} is written into the program.`, { confidence: 'high' });
      return;
    }
  if (text.length < 20000 && text.includes('-----BEGIN ') &&
      text.includes('PRIVATE KEY-----') && text.length > 120) {
    program.report('hardcoded-secret', node,
      'a private key is written into the program.', { confidence: 'high' });
    return;
  }
  credentials(text, node, program);
}

/* scheme://user:password@host */
function credentials(text, node, program) {
  const scheme = text.indexOf('://');
  if (scheme < 2 || scheme > 20 || text.length > 2000)
    return;
  const rest = text.slice(scheme + 3);
  const at = rest.indexOf('@');
  const colon = rest.indexOf(':');
  const slash = rest.indexOf('/');
  if (colon < 0 || at < colon + 3 || (slash >= 0 && slash < at))
    return;
  const password = rest.slice(colon + 1, at);
  const low = password.toLowerCase();
  if (/\s/.test(password) || ['pass', 'password', 'pwd', 'passwd', 'secret']
    .includes(low) || PLACEHOLDERS.some((one) => low.includes(one)) ||
      rest.slice(at).includes('example.'))
    return;
  program.report('hardcoded-secret', node,
    'a URL with a password is written into the program.');
}

/* Calls whose argument is a secret, whatever it is called. */
function call(node, program) {
  const path = pathOf(node.callee);
  const name = calleeName(node);
  const second = node.arguments[1];
  if ((path.startsWith('#jsonwebtoken.') || path === 'jwt.sign' ||
      path === 'jwt.verify' || path.startsWith('#jwt-simple.')) && second &&
      ['sign', 'verify', 'encode', 'decode'].includes(name))
    direct(second, node, 'the key of the tokens', program);
  else if (path.startsWith('#jose.') && node.arguments.length > 0 &&
      ['sign', 'verify', 'asKey', 'encrypt', 'decrypt'].includes(name))
    direct(node.arguments[name === 'asKey' ? 0 : 1], node,
      'the key of the tokens', program);
  else if (path.startsWith('#express-jwt') && node.arguments[0] &&
      property(node.arguments[0], 'secret'))
    direct(property(node.arguments[0], 'secret'), node,
      'the key of the tokens', program);
  else if ((name === 'createHmac' || name === 'createCipheriv' ||
      name === 'createCipher') && second)
    direct(second, node, 'the key', program);
  else if (path === '#express-session' || path === '#cookie-session') {
    const secret = property(node.arguments[0], 'secret') ||
      property(node.arguments[0], 'keys');
    if (secret && !program.has('hardcoded-secret', secret.parent))
      direct(secret, secret.parent, 'the key of the sessions', program);
  } else if (path === '#cookie-parser' && node.arguments[0]) {
    direct(node.arguments[0], node, 'the key of the cookies', program);
  }
}

function direct(value, node, what, program) {
  value = bare(value || null);
  if (!value)
    return;
  /* Reported where it is declared, if its name says what it is. */
  if (value.type === 'Identifier' && value.binding && value.binding.init &&
      !program.has('hardcoded-secret', value.binding.node.parent))
    value = literalOf(value);
  if (value.type === 'ArrayExpression' && value.elements[0])
    value = bare(value.elements[0]);
  const text = value.type === 'Literal' ? constantText(value) : null;
  if (text && text.length > 1 && !text.includes('-----BEGIN PUBLIC'))
    program.report('hardcoded-secret', node,
      `${what} is written into the program.`, { confidence: 'high' });
}

module.exports = {
  VariableDeclarator(node, program) {
    if (node.id.type === 'Identifier')
      check(node.id.name, node.init, node, program);
  },
  AssignmentExpression(node, program) {
    const left = bare(node.left);
    if (node.operator === '=')
      check(left.type === 'Identifier' ? left.name :
        left.type === 'MemberExpression' ? keyName(left) : null, node.right,
      node, program);
  },
  Property(node, program) {
    if (node.parent.type === 'ObjectExpression')
      check(keyName(node), node.value, node, program);
  },
  PropertyDefinition(node, program) {
    check(keyName(node), node.value, node, program);
  },
  AssignmentPattern(node, program) {
    check(node.left.name, node.right, node, program);
  },
  BinaryExpression(node, program) {
    if (!['===', '=='].includes(node.operator))
      return;
    const left = bare(node.left);
    const name = left.type === 'Identifier' ? left.name :
      left.type === 'MemberExpression' ? keyName(left) : null;
    const text = name && isSecretName(name) && constantText(node.right);
    if (text && text.length > 5 && /\d/.test(text))
      check(name, node.right, node, program);
  },
  CallExpression: call,
  Literal: form,
  TemplateElement: form,
};
