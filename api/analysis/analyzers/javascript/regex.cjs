// SPDX-License-Identifier: Apache-2.0
/*
 * Which regular expressions take exponential time.  (body)* does, if for some
 * character c the body matches runs of c of two different lengths: a long run
 * of c can then be cut in exponentially many ways, and when what follows does
 * not match, all of them are tried.
 */
'use strict';

const PATTERN_MAX = 1500;
const INFINITE = 1e9;
const OTHER = 128; // stands for every character that is not ASCII

class Unsupported extends Error {}

/* Sets of characters: what /u and /i change is left out. */
function setOf(has) {
  const set = new Uint8Array(OTHER + 1);
  for (let c = 0; c <= OTHER; c++)
    set[c] = has(c) ? 1 : 0;
  return set;
}

const isDigit = (c) => c >= 48 && c <= 57;
const isWord = (c) => isDigit(c) || (c >= 65 && c <= 90) ||
  (c >= 97 && c <= 122) || c === 95;
const isSpace = (c) => (c >= 9 && c <= 13) || c === 32;
const ESCAPES = new Map([
  ['d', setOf(isDigit)], ['D', setOf((c) => !isDigit(c))],
  ['w', setOf(isWord)], ['W', setOf((c) => !isWord(c))],
  ['s', setOf(isSpace)], ['S', setOf((c) => !isSpace(c))],
]);
const CONTROL = new Map([['n', 10], ['r', 13], ['t', 9], ['f', 12], ['v', 11],
  ['0', 0]]);

const one = (code) => {
  const set = new Uint8Array(OTHER + 1);
  set[Math.min(code, OTHER)] = 1;
  return set;
};

class Reader {
  constructor(pattern) {
    this.text = pattern;
    this.at = 0;
  }

  alternatives() {
    const all = [this.sequence()];
    while (this.text[this.at] === '|') {
      this.at++;
      all.push(this.sequence());
    }
    return all.length === 1 ? all[0] : { type: 'or', of: all };
  }

  sequence() {
    const of = [];
    while (this.at < this.text.length && this.text[this.at] !== '|' &&
      this.text[this.at] !== ')')
      of.push(this.repeated());
    return { type: 'and', of };
  }

  repeated() {
    const atom = this.atom();
    const c = this.text[this.at];
    let min;
    let max;
    if (c === '*' || c === '+' || c === '?') {
      this.at++;
      min = c === '+' ? 1 : 0;
      max = c === '?' ? 1 : INFINITE;
    } else if (c === '{') {
      const end = this.text.indexOf('}', this.at);
      const parts = end < 0 ? [] : this.text.slice(this.at + 1, end).split(',');
      if (end < 0 || !/^\d{1,9}$/.test(parts[0]))
        return atom;
      min = Number(parts[0]);
      max = parts.length === 1 ? min : parts[1] === '' ? INFINITE :
        Number(parts[1]);
      this.at = end + 1;
    } else {
      return atom;
    }
    if (this.text[this.at] === '?')
      this.at++;
    return { type: 'repeat', of: atom, min, max };
  }

  atom() {
    const c = this.text[this.at++];
    switch (c) {
    case '(':
      return this.group();
    case '[':
      return { type: 'set', set: this.charClass() };
    case '.':
      return { type: 'set', set: setOf((code) => code !== 10 && code !== 13) };
    case '^':
    case '$':
      return { type: 'assert', text: c };
    case '\\':
      return this.escape();
    default:
      return { type: 'set', set: one(c.charCodeAt(0)) };
    }
  }

  group() {
    let type = 'group';
    if (this.text[this.at] === '?') {
      const kind = this.text.slice(this.at + 1, this.at + 3);
      if (kind[0] === ':') {
        this.at += 2;
      } else if (kind[0] === '=' || kind[0] === '!') {
        type = 'look';
        this.at += 2;
      } else if (kind === '<=' || kind === '<!') {
        type = 'look';
        this.at += 3;
      } else if (kind[0] === '<') {
        this.at = this.text.indexOf('>', this.at) + 1;
      } else {
        throw new Unsupported();
      }
    }
    const inner = this.alternatives();
    if (this.text[this.at++] !== ')')
      throw new Unsupported();
    return type === 'look' ? { type: 'look', of: inner } : inner;
  }

  escape() {
    const c = this.text[this.at++];
    if (c === 'b' || c === 'B')
      return { type: 'assert', text: c };
    if (c === undefined || c === 'k' || (c >= '1' && c <= '9'))
      return { type: 'back' };
    return { type: 'set', set: this.escaped(c) };
  }

  escaped(c) {
    const known = ESCAPES.get(c);
    if (known)
      return known;
    if (CONTROL.has(c))
      return one(CONTROL.get(c));
    if (c === 'x' || c === 'u') {
      const length = c === 'x' ? 2 : 4;
      const digits = this.text.slice(this.at, this.at + length);
      if (/^[0-9a-fA-F]+$/.test(digits) && digits.length === length) {
        this.at += length;
        return one(parseInt(digits, 16));
      }
      if (c === 'u' && this.text[this.at] === '{') {
        this.at = this.text.indexOf('}', this.at) + 1;
        return one(OTHER);
      }
    }
    if (c === 'p' || c === 'P') {
      if (this.text[this.at] === '{')
        this.at = this.text.indexOf('}', this.at) + 1;
      return setOf((code) => code === OTHER || isWord(code));
    }
    return one(c.charCodeAt(0));
  }

  charClass() {
    const isNot = this.text[this.at] === '^';
    if (isNot)
      this.at++;
    const set = new Uint8Array(OTHER + 1);
    while (this.at < this.text.length && this.text[this.at] !== ']') {
      const low = this.classMember(set);
      if (low === null || this.text[this.at] !== '-' ||
          this.text[this.at + 1] === ']')
        continue;
      this.at++;
      const high = this.classMember(set);
      for (let c = low; high !== null && c <= Math.min(high, OTHER); c++)
        set[c] = 1;
    }
    this.at++;
    return isNot ? set.map((value) => 1 - value) : set;
  }

  /* The code of a single character, null for a set such as \d. */
  classMember(set) {
    let c = this.text[this.at++];
    let added;
    if (c === '\\') {
      c = this.text[this.at++];
      if (c === undefined)
        throw new Unsupported();
      added = c === 'b' ? one(8) : this.escaped(c);
    } else {
      added = one(c.charCodeAt(0));
    }
    let code = null;
    let n = 0;
    for (let i = 0; i <= OTHER; i++)
      if (added[i]) {
        set[i] = 1;
        code = i;
        n++;
      }
    return n === 1 ? code : null;
  }
}

/*
 * The lengths of runs of c that a node matches: null none, else {min, max,
 * many: the same length in two ways}.
 */
function runs(node, c) {
  switch (node.type) {
  case 'set':
    return node.set[c] ? { min: 1, max: 1, many: false } : null;
  case 'assert':
    return node.text === '$' || node.text === '^' ? null :
      { min: 0, max: 0, many: false };
  case 'look':
    return null;
  case 'back':
    return null;
  case 'or':
    return either(node.of.map((part) => runs(part, c)).filter(Boolean));
  case 'and': {
    let sum = { min: 0, max: 0, many: false };
    for (const part of node.of) {
      const own = runs(part, c);
      if (!own)
        return null;
      sum = { min: sum.min + own.min, max: sum.max + own.max,
        many: sum.many || own.many };
    }
    return sum;
  }
  case 'repeat': {
    const own = runs(node.of, c);
    if (!own || own.max === 0)
      return node.min === 0 || own ? { min: 0, max: 0, many: false } : null;
    return { min: own.min * node.min, many: own.many && node.max > 0,
      max: Math.min(INFINITE, own.max * Math.max(node.max, 0)) };
  }
  }
  return null;
}

function either(all) {
  if (all.length === 0)
    return null;
  const some = all.filter((own) => own.max > 0);
  const fixed = some.filter((own) => own.min === own.max);
  const isTwice = fixed.some((own, i) =>
    fixed.findIndex((other) => other.max === own.max) !== i);
  return { min: Math.min(...all.map((own) => own.min)),
    max: Math.max(...all.map((own) => own.max)),
    many: isTwice || all.some((own) => own.many) };
}

/* A star's body, cut in many ways; c's code or -1. */
function ambiguous(body) {
  for (let c = 0; c <= OTHER; c++) {
    const own = runs(body, c);
    if (own && own.max > 0 && (own.many || (own.max > 1 &&
        own.min !== own.max)))
      return c;
  }
  return -1;
}

/* Must anything still match after the node?  If not, nothing is tried again. */
function canFail(node) {
  switch (node.type) {
  case 'set':
  case 'back':
  case 'look':
    return true;
  case 'assert':
    return node.text !== '^';
  case 'or':
    return node.of.every(canFail);
  case 'and':
    return node.of.some(canFail);
  case 'repeat':
    return node.min > 0 && canFail(node.of);
  default:
    return false;
  }
}

function find(node, failsAfter) {
  switch (node.type) {
  case 'or':
    return node.of.some((part) => find(part, failsAfter));
  case 'look':
    return find(node.of, false);
  case 'and': {
    let fails = failsAfter;
    for (let i = node.of.length - 1; i >= 0; i--) {
      if (find(node.of[i], fails))
        return true;
      fails = fails || canFail(node.of[i]);
    }
    return false;
  }
  case 'repeat':
    if (node.max >= 20 && failsAfter && node.of.type !== 'set' &&
        ambiguous(node.of) >= 0)
      return true;
    return node.of.type !== 'set' && find(node.of, failsAfter);
  default:
    return false;
  }
}

/* Does the pattern take exponential time on some text? */
function isExponential(pattern) {
  if (pattern.length > PATTERN_MAX)
    return false;
  const reader = new Reader(pattern);
  let tree;
  try {
    tree = reader.alternatives();
  } catch (error) {
    if (error instanceof Unsupported)
      return false;
    throw error;
  }
  return reader.at === pattern.length && find(tree, false);
}

module.exports = { isExponential };
