// SPDX-License-Identifier: Apache-2.0
/*
 * What makes a value harmless, and for what: functions by name, replacements,
 * and patterns that a value was compared with.
 */
'use strict';

const { FOR, ALL } = require('./taint.cjs');
const { wordsOf } = require('./ast.cjs');

const PATHS = new Map(Object.entries({
  parseInt: ALL, parseFloat: ALL, Number: ALL, Boolean: ALL, BigInt: ALL,
  isNaN: ALL, 'Number.parseInt': ALL, 'Number.parseFloat': ALL,
  'Object.is': ALL, 'Array.isArray': ALL,
  String: FOR.nosql,
  encodeURIComponent: FOR.url | FOR.html | FOR.path | FOR.redirect |
    FOR.header | FOR.log | FOR.nosql,
  encodeURI: FOR.header | FOR.log | FOR.nosql,
  btoa: ALL & ~FOR.path,
  'JSON.stringify': FOR.log | FOR.header | FOR.nosql,
  '#path.basename': FOR.path,
  '#sanitize-filename': FOR.path,
  '#escape-html': FOR.html,
  '#xss': FOR.html,
  '#sanitize-html': FOR.html,
  '#insane': FOR.html,
  '#he.encode': FOR.html,
  '#he.escape': FOR.html,
  '#shell-quote.quote': FOR.shell,
  '#shell-escape': FOR.shell,
  '#mysql.escape': FOR.sql,
  '#mysql2.escape': FOR.sql,
  '#mysql.format': FOR.sql,
  '#mysql2.format': FOR.sql,
  '#pg-format': FOR.sql,
  '#sqlstring.escape': FOR.sql,
  '#mongo-sanitize': FOR.nosql,
  '#escape-string-regexp': FOR.regex,
  '#lodash.escapeRegExp': FOR.regex,
  '#lodash.escape': FOR.html,
  '_.escapeRegExp': FOR.regex,
  '_.escape': FOR.html,
  '#xml-escape': FOR.html,
  '#ldap-escape.filter': FOR.ldap,
}));

/* The last words of a name that say that something is made safe. */
const CLEANING_WORDS = new Set(['escape', 'escaped', 'sanitize', 'sanitise',
  'sanitized', 'purify', 'encode', 'quote', 'clean', 'whitelist', 'allowlist',
  'slugify', 'slug', 'strip', 'filter']);
const FIRST_WORDS = new Set(['escape', 'sanitize', 'sanitise', 'purify',
  'encode', 'quote', 'clean', 'slugify', 'validate', 'assert', 'safe',
  'to']);

function byWords(words) {
  const has = (word) => words.includes(word);
  const last = words[words.length - 1];
  if (!FIRST_WORDS.has(words[0]) && !CLEANING_WORDS.has(last))
    return 0;
  if (words[0] === 'to')
    return ['int', 'integer', 'number', 'float', 'boolean', 'date']
      .includes(last) ? ALL : 0;
  if (has('html') || has('xml') || has('purify'))
    return FOR.html;
  if (has('regexp') || has('regex') || has('reg'))
    return FOR.regex;
  if (has('sql') || has('id') || has('identifier') || has('literal'))
    return FOR.sql;
  if (has('shell') || has('arg'))
    return FOR.shell;
  if (has('filename') || has('path'))
    return FOR.path;
  if (has('uri') || has('url'))
    return FOR.url | FOR.html | FOR.redirect | FOR.path;
  if (words[0] === 'filter' || last === 'filter')
    return 0;
  return ALL & ~(FOR.code | FOR.proto);
}

/* For what the result of a call is safe, whatever its arguments were. */
function callCleans(path, name) {
  const exact = PATHS.get(path);
  if (exact !== undefined)
    return exact;
  if (path.startsWith('Math.') || path.endsWith('.isInteger'))
    return ALL;
  if (path.startsWith('DOMPurify.') || path.startsWith('#dompurify'))
    return FOR.html;
  if (path.startsWith('#crypto.') && !path.endsWith('.update'))
    return ALL;
  if (['unescape', 'strip', 'toString', 'decode', 'split'].includes(name))
    return 0;
  if (name === 'escape' && path === 'escape')
    return FOR.html | FOR.sql | FOR.header | FOR.log;
  const words = wordsOf(name);
  return words.length > 0 ? byWords(words) : 0;
}

/* Characters that do harm, by what they do harm to. */
const HARM = [
  ['sql', '\'"`\\;'],
  ['shell', '\'"`\\;&|$<>()\n *?~#!{}'],
  ['html', '<>&"\''],
  ['path', '/\\'],
  ['url', ':/@'],
  ['redirect', ':/\\'],
  ['regex', '\\^$.*+?()[]{}|'],
  ['log', '\n\r'],
  ['header', '\n\r'],
  ['ldap', '*()\\&|'],
  ['template', '{}<%#$'],
  ['code', '\'"`\\;(){}[]=+,.$'],
];

/* For what a text of only such characters is safe. */
function harmless(has) {
  let mask = FOR.nosql;
  for (const [name, characters] of HARM) {
    let isSafe = true;
    for (const one of characters)
      if (has(one))
        isSafe = false;
    if (isSafe)
      mask |= FOR[name];
  }
  return mask;
}

/*
 * The characters that a pattern lets through, roughly: its own, the classes'
 * and the escapes'; null if it has one that lets nearly all through.
 */
function charactersOf(pattern) {
  const found = new Set();
  for (let i = 0; i < pattern.length && i < 400; i++) {
    const c = pattern[i];
    const next = pattern[i + 1];
    if (c === '\\') {
      i++;
      if ('SDW'.includes(next))
        return null;
      if (next === 's')
        for (const one of ' \n\r\t')
          found.add(one);
      else if (next === 'n' || next === 'r')
        found.add('\n');
      else if (!'dwbB'.includes(next) && !(next >= '0' && next <= '9'))
        found.add(next);
    } else if (c === '.') {
      if (!inClass(pattern, i))
        return null;
      found.add(c);
    } else if (c === '[' && next === '^') {
      return null;
    } else if (inClass(pattern, i) || !'^$()|[]{}*+?'.includes(c)) {
      found.add(c);
    }
  }
  return found;
}

function inClass(pattern, at) {
  let isIn = false;
  for (let i = 0; i < at; i++)
    if (pattern[i] === '\\')
      i++;
    else if (pattern[i] === '[' && !isIn)
      isIn = true;
    else if (pattern[i] === ']')
      isIn = false;
  return isIn && pattern[at] !== ']';
}

/* For what a text is safe that this whole pattern matches. */
function patternProves(regex) {
  const { pattern, flags } = regex;
  if (pattern.length > 400 || !pattern.startsWith('^') ||
      !pattern.endsWith('$') || pattern.endsWith('\\$') || flags.includes('m'))
    return 0;
  const found = charactersOf(pattern.slice(1, -1));
  return found ? harmless((one) => found.has(one)) : 0;
}

/* For what a text is safe after .replace(regex, text). */
function replaceCleans(regex, replacement) {
  const { pattern, flags } = regex;
  if (pattern.length > 400)
    return 0;
  if (pattern.startsWith('^') && pattern.includes('\\.\\.'))
    return FOR.path;
  if (!flags.includes('g'))
    return 0;
  if (pattern.startsWith('[^')) {
    const end = pattern.indexOf(']', 3);
    const rest = pattern.slice(end + 1);
    const kept = end > 0 && (rest === '' || rest === '+') ?
      charactersOf(`[${pattern.slice(2, end)}]`) : null;
    return kept ? harmless((one) => kept.has(one)) : 0;
  }
  if (pattern === '\\D' || pattern === '\\W' || pattern === '\\D+' ||
      pattern === '\\W+')
    return ALL;
  const gone = charactersOf(pattern) || new Set();
  let mask = 0;
  if (gone.has('<') || (gone.has('"') && replacement.includes('&')))
    mask |= FOR.html;
  if (gone.has('\''))
    mask |= FOR.sql;
  if (gone.has('\n'))
    mask |= FOR.log | FOR.header;
  if (gone.has('/') && gone.size < 3)
    mask |= FOR.path;
  if (gone.has('*') && gone.has('+'))
    mask |= FOR.regex;
  if (gone.has('(') && gone.has('*'))
    mask |= FOR.ldap;
  return mask;
}

module.exports = { callCleans, patternProves, replaceCleans };
