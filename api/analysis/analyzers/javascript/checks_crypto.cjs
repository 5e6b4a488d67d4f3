// SPDX-License-Identifier: Apache-2.0
/*
 * Random numbers, hashes, ciphers, keys, TLS and tokens.
 */
'use strict';

const { bare, keyName, property, wordsOf, functionAround } =
  require('./ast.cjs');
const { pathOf, calleeName, constantText } = require('./names.cjs');

const SECRET_WORDS = new Set(['token', 'secret', 'password', 'passwd', 'pwd',
  'session', 'sessionid', 'otp', 'nonce', 'salt', 'csrf', 'xsrf', 'iv',
  'apikey', 'pin', 'passphrase', 'passcode', 'credential', 'verification',
  'auth', 'reset', 'captcha', 'coupon', 'invite', 'key', 'jwt', 'sid']);
/* A key is a secret only with another word: a list's key is none. */
const PLAIN_KEYS = new Set(['key', 'reset', 'session', 'pin', 'auth', 'iv']);
const PASSWORD_WORDS = new Set(['password', 'passwd', 'pwd', 'passphrase',
  'pass']);
const CHECKSUM_WORDS = new Set(['etag', 'checksum', 'cache', 'fingerprint',
  'integrity', 'digest', 'hashcode', 'gravatar', 'content', 'revision', 'asset',
  'file', 'chunk', 'accept', 'websocket', 'handshake', 'uuid', 'v5', 'v3',
  'version', 'short', 'cached', 'key', 'dedupe', 'shasum', 'sha', 'avatar']);

const isSecretName = (name) => {
  const words = wordsOf(name);
  return words.some((one) => SECRET_WORDS.has(one) &&
    (!PLAIN_KEYS.has(one) || words.some((other) =>
      ['secret', 'api', 'encryption', 'private', 'code', 'id', 'token',
        'password', 'bytes', 'vector'].includes(other)) ||
    (words.length === 1 && ['pin', 'iv'].includes(one))));
};

/* The names of what a value becomes: variable, property, function. */
function namesAround(node) {
  const names = [];
  let up = node.parent;
  for (let i = 0; up && i < 14; up = up.parent, i++) {
    if (up.type === 'VariableDeclarator' && up.id.type === 'Identifier')
      names.push(up.id.name);
    else if (up.type === 'AssignmentExpression')
      names.push(keyName(bare(up.left)) || up.left.name || '');
    else if (up.type === 'Property' || up.type === 'MethodDefinition' ||
        up.type === 'PropertyDefinition')
      names.push(keyName(up) || '');
    else if (up.params) {
      names.push(up.id ? up.id.name : '');
      const parent = up.parent;
      if (!up.id && parent.type === 'VariableDeclarator' && parent.id.name)
        names.push(parent.id.name);
      else if (!up.id && parent.type === 'AssignmentExpression')
        names.push(keyName(bare(parent.left)) || '');
      else if (!up.id && (parent.type === 'MethodDefinition' ||
          parent.type === 'Property'))
        names.push(keyName(parent) || '');
      break;
    }
  }
  return names.filter(Boolean);
}

function random(node, program) {
  const path = pathOf(node.callee);
  if (path === '#crypto.pseudoRandomBytes') {
    program.report('insecure-random', node,
      'pseudoRandomBytes() does not promise what randomBytes() does.');
    return;
  }
  if (path !== 'Math.random')
    return;
  const name = namesAround(node).find(isSecretName);
  if (name !== undefined)
    program.report('insecure-random', node,
      `Math.random() makes ${name.slice(0, 40)}, and it can be foreseen.`);
}

const WEAK_HASHES = new Set(['md5', 'md4', 'sha1', 'sha-1', 'ripemd160',
  'rmd160', 'md2']);
const FAST_HASHES = new Set(['sha256', 'sha512', 'sha384', 'sha224', 'sha-256',
  'sha-512', 'sha3-256', 'sha3-512']);

/* What the hash is taken of: the argument of .update() after it. */
function hashedNames(node) {
  const names = [];
  let up = node;
  for (let i = 0; i < 6 && up.parent && (up.parent.type ===
    'MemberExpression' || up.parent.type === 'CallExpression'); i++) {
    up = up.parent;
    if (up.type === 'CallExpression' && calleeName(up) === 'update' &&
        up.arguments[0])
      names.push(...identifiersIn(up.arguments[0]));
  }
  return names;
}

function identifiersIn(node) {
  const names = [];
  const stack = [node];
  while (stack.length > 0 && names.length < 20) {
    const one = bare(stack.pop());
    if (!one)
      continue;
    if (one.type === 'Identifier')
      names.push(one.name);
    else if (one.type === 'MemberExpression')
      names.push(keyName(one) || '');
    else if (one.type === 'BinaryExpression')
      stack.push(one.left, one.right);
    else if (one.type === 'CallExpression')
      stack.push(...one.arguments);
    else if (one.type === 'TemplateLiteral')
      stack.push(...one.expressions);
  }
  return names;
}

const isPassword = (name) =>
  wordsOf(name).some((one) => PASSWORD_WORDS.has(one));

function hash(node, program) {
  const path = pathOf(node.callee);
  const name = calleeName(node);
  let kind = null;
  let of = [];
  if (name === 'createHash' && node.arguments[0]) {
    kind = (constantText(node.arguments[0]) || '').toLowerCase();
    of = hashedNames(node);
  } else if (['#md5', '#sha1', '#blueimp-md5', '#crypto-js.MD5',
    '#crypto-js.SHA1', 'CryptoJS.MD5', 'CryptoJS.SHA1', '#js-md5', '#js-sha1',
    '#crypto-js/md5', '#crypto-js/sha1'].includes(path) ||
    ((name === 'md5' || name === 'sha1') && !node.callee.binding?.declared)) {
    kind = path.toLowerCase().includes('sha1') ? 'sha1' : 'md5';
    of = node.arguments.flatMap(identifiersIn);
  }
  if (kind === null)
    return;
  const around = namesAround(node);
  if ((WEAK_HASHES.has(kind) || FAST_HASHES.has(kind)) &&
      (of.some(isPassword) || around.slice(0, 4).some((one) =>
        isPassword(one) && wordsOf(one).includes('hash')))) {
    program.report('weak-password-hash', node,
      `a password is hashed by ${kind}, which is made to be fast.`);
    return;
  }
  if (!WEAK_HASHES.has(kind))
    return;
  const isChecksum = [...around, ...of].some((one) =>
    wordsOf(one).some((word) => CHECKSUM_WORDS.has(word)));
  const isSecret = [...around, ...of].some(isSecretName);
  if (isChecksum && !isSecret)
    return;
  program.report('weak-hash', node, `${kind} is broken as a hash.`,
    isSecret ? { confidence: 'high' } : { confidence: 'low',
      severity: 'low' });
}

const WEAK_CIPHERS = ['des', 'rc4', 'rc2', 'bf', 'blowfish', 'idea', 'seed',
  'cast', '3des'];

function isWeakCipher(text) {
  const words = text.toLowerCase().split('-', 4);
  return WEAK_CIPHERS.includes(words[0]) || words.includes('ecb') ||
    words[0].startsWith('des');
}

function cipher(node, program) {
  const name = calleeName(node);
  const path = pathOf(node.callee);
  const first = node.arguments[0];
  if (path === '#crypto.createCipher' || path === '#crypto.createDecipher') {
    program.report('weak-cipher', node,
      `${name}() makes key and IV from the password with one MD5.`);
    return;
  }
  if (name === 'createCipheriv' || name === 'createDecipheriv') {
    const kind = first && constantText(first);
    if (kind && isWeakCipher(kind)) {
      program.report('weak-cipher', node,
        `the cipher ${kind.slice(0, 30)} does not keep what it encrypts.`);
      return;
    }
    if (name === 'createCipheriv' && node.arguments[2])
      staticIv(node, bare(node.arguments[2]), program);
    return;
  }
  if (['CryptoJS.DES.encrypt', 'CryptoJS.TripleDES.encrypt',
    'CryptoJS.RC4.encrypt', '#crypto-js.DES.encrypt', '#crypto-js.RC4.encrypt',
    '#crypto-js.TripleDES.encrypt'].includes(path))
    program.report('weak-cipher', node,
      'this cipher does not keep what it encrypts.');
}

function staticIv(node, iv, program) {
  const from = iv.type === 'Identifier' && iv.binding && iv.binding.init ?
    bare(iv.binding.init) : iv;
  const text = constantText(iv);
  const path = from.type === 'CallExpression' ? pathOf(from.callee) : '';
  const isFixed = (text !== null && text.length > 0) ||
    path === 'Buffer.alloc' || (path === 'Buffer.from' && from.arguments[0] &&
      constantText(from.arguments[0]) !== null);
  if (isFixed)
    program.report('static-iv', node,
      'every message is encrypted with the same IV.');
}

function keySize(node, program) {
  const name = calleeName(node);
  if (name === 'generateKeyPairSync' || name === 'generateKeyPair') {
    const kind = node.arguments[0] && constantText(node.arguments[0]);
    const bits = property(node.arguments[1], 'modulusLength');
    const value = bits && Number(constantText(bits));
    if ((kind === 'rsa' || kind === 'dsa') && value && value < 2048)
      program.report('weak-key', node,
        `an ${kind.toUpperCase()} key of ${value} bits can be broken.`);
  } else if (name === 'pbkdf2' || name === 'pbkdf2Sync') {
    const text = node.arguments[2] && constantText(node.arguments[2]);
    if (text !== null && text !== undefined && Number(text) < 100000)
      program.report('weak-password-hash', node,
        `PBKDF2 with ${Number(text)} rounds is quick to try out.`);
  }
}

const TLS_OLD = new Set(['SSLv2_method', 'SSLv3_method', 'SSLv23_method',
  'TLSv1_method', 'TLSv1_1_method', 'TLSv1', 'TLSv1.1', 'SSLv3']);

function tlsOption(node, program) {
  const name = keyName(node);
  const value = node.value;
  if ((name === 'rejectUnauthorized' || name === 'strictSSL') &&
      value.type === 'Literal' && value.value === false)
    program.report('tls-verification-off', node,
      `${name}: false accepts any certificate.`);
  else if ((name === 'minVersion' || name === 'secureProtocol' ||
      name === 'maxVersion') && TLS_OLD.has(constantText(value) || ''))
    program.report('weak-tls-version', node,
      'a version of TLS with known weaknesses is allowed.');
  else if (name === 'checkServerIdentity' && value.params &&
      value.body.type === 'BlockStatement' && value.body.body.length === 0)
    program.report('tls-verification-off', node,
      'checkServerIdentity() accepts any name.');
}

function tlsAssignment(node, program) {
  const left = bare(node.left);
  if (left.type !== 'MemberExpression')
    return;
  const name = keyName(left);
  const right = bare(node.right);
  if (name === 'NODE_TLS_REJECT_UNAUTHORIZED' &&
      ['0', 'false'].includes(String(right.value)))
    program.report('tls-verification-off', node,
      'no certificate is checked in the whole process.');
  else if (name === 'rejectUnauthorized' && right.value === false)
    program.report('tls-verification-off', node,
      'rejectUnauthorized = false accepts any certificate.',
      isConditional(node) ? { confidence: 'low' } : {});
}

/* Somebody asked for it. */
function isConditional(node) {
  for (let up = node.parent; up && !up.params; up = up.parent)
    if (up.type === 'IfStatement' || up.type === 'SwitchCase')
      return true;
  return false;
}

const jwtPath = (path) => path.startsWith('#jsonwebtoken.') ||
  path.startsWith('#jwt-simple.') || path.startsWith('jwt.') ||
  path.startsWith('%jwt.') || path.startsWith('#express-jwt');

function names(value) {
  value = bare(value);
  if (!value)
    return [];
  return value.type === 'ArrayExpression' ?
    value.elements.map((one) => (one ? constantText(one) : null)) :
    [constantText(value)];
}

function token(node, program) {
  const path = pathOf(node.callee);
  if (!jwtPath(path))
    return;
  const name = calleeName(node);
  const options = node.arguments[node.arguments.length - 1];
  const given = [...names(property(options, 'algorithms')),
    ...names(property(options, 'algorithm'))];
  if (given.some((one) => one && one.toLowerCase() === 'none')) {
    program.report('jwt-unverified', node,
      'tokens with the algorithm "none" have no signature at all.');
  } else if (name === 'verify' && node.arguments.length >= 2 &&
      ['null', '\'\'', '""', 'false'].includes(
        node.arguments[1].raw || '')) {
    program.report('jwt-unverified', node, 'the token is verified with no key.');
  } else if (path.startsWith('#jwt-simple.decode') && node.arguments[2] &&
      Boolean(node.arguments[2].value)) {
    program.report('jwt-unverified', node,
      'the signature of the token is not checked.');
  } else if (name === 'verify' && path.startsWith('#jsonwebtoken') &&
      given.length === 0 && (!options || options === node.arguments[1] ||
      options.params || options.type === 'ObjectExpression')) {
    program.report('jwt-any-algorithm', node,
      'the token itself may choose the algorithm it is verified by.');
  } else if (path === '#jsonwebtoken.decode' && !verifiesToo(node)) {
    program.report('jwt-unverified', node,
      'the token is read without a check of its signature.',
      { confidence: 'low' });
  }
}

/* Decoding first, to choose the key, is how it is done. */
function verifiesToo(node) {
  const fn = functionAround(node);
  return node.arguments[1] && property(node.arguments[1], 'complete') ||
    (fn.verifies_ === undefined ? (fn.verifies_ = scan(fn)) : fn.verifies_);
}

function scan(fn) {
  let found = false;
  require('./ast.cjs').walk(fn, (one) => {
    if (one.type === 'CallExpression' && calleeName(one) === 'verify')
      found = true;
    return !found;
  });
  return found;
}

const GIVEN = new Set(['provided', 'given', 'supplied', 'received', 'input',
  'submitted', 'candidate', 'entered', 'user', 'header', 'attempt']);

/* token === expected tells, by its time, how much of it was right. */
function timing(node, program) {
  if (!['===', '==', '!==', '!='].includes(node.operator))
    return;
  const sides = [bare(node.left), bare(node.right)];
  if (sides.some((one) => !['Identifier', 'MemberExpression',
    'CallExpression'].includes(one.type)))
    return;
  const named = sides.map((one) => wordsOf(one.type === 'Identifier' ?
    one.name : one.type === 'MemberExpression' ? keyName(one) || '' :
      ''));
  if (sides.some((one) => one.type === 'Identifier' && one.name ===
    'undefined'))
    return;
  const last = named.map((words) => words[words.length - 1]);
  const MACS = ['hmac', 'signature', 'mac', 'digest'];
  const SECRETS = ['secret', 'apikey', 'csrf', 'password', 'passwd'];
  const paths = sides.map((one) => pathOf(one));
  const isAsked = (i) => /^@(req|ctx|event|data)/.test(paths[i]) ||
    named[i].some((one) => GIVEN.has(one));
  if (isAsked(0) && isAsked(1))
    return;
  const isDigest = sides.some((one) => one.type === 'CallExpression' &&
    calleeName(one) === 'digest' && pathOf(one).includes('createHmac'));
  const isApi = named.some((words) => words.join(' ').endsWith('api key') ||
    words.join(' ').endsWith('api token') ||
    words.join(' ').endsWith('access token') ||
    words.join(' ').endsWith('csrf token'));
  const isMac = last.filter((one) => MACS.includes(one)).length >= 1 &&
    named.some((words) => ['expected', 'computed', 'calculated', 'hmac',
      'received'].some((one) => words.includes(one)));
  const isSecret = last.some((one) => SECRETS.includes(one)) &&
    !named.some((words) => words.some((one) => ['confirm', 'confirmed',
      'repeat', 'verify', 'new', 'old', 'type', 'hash', 'again', 'retype',
      'confirmation', 'password2'].includes(one))) &&
    named.some((words) => words.length > 0);
  if (isDigest || isMac || ((isApi || isSecret) && (isAsked(0) ||
      isAsked(1))))
    program.report('timing-comparison', node,
      'a secret is compared in a time that depends on it.',
      { confidence: isDigest || isMac ? 'medium' : 'low' });
}

module.exports = {
  CallExpression(node, program) {
    random(node, program);
    hash(node, program);
    cipher(node, program);
    keySize(node, program);
    token(node, program);
  },
  Property: tlsOption,
  AssignmentExpression: tlsAssignment,
  BinaryExpression: timing,
};
