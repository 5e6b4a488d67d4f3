// SPDX-License-Identifier: Apache-2.0
/*
 * Which tests a file has, read from its text before any code of the job runs.
 *
 * A scanner, not a parser: it knows literals, comments and brackets, and finds
 * calls of test(), it(), describe() and suite() that are certain to be made:
 * at the top level, or directly in the function of a certain describe().  A
 * test with a name made at run time, or under a condition, may be reported but
 * need not (`isOpen`).
 */
'use strict';

const TESTS = ['test', 'it'];
const SUITES = ['describe', 'suite'];
const SKIPS = ['skip', 'todo'];
// Behind one of these a '/' begins a regular expression.
const BEFORE_REGEXP = ['return', 'typeof', 'case', 'in', 'of', 'delete', 'void',
  'throw', 'new', 'else', 'do', 'instanceof', 'yield', 'await'];
const CONDITIONS = ['if', 'for', 'while', 'switch', 'catch', 'with'];

const SPACE = /\s+|\/\/[^\n]*|\/\*[^]*?\*\//y;
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\.?\d[\w.]*/y;
const STRING = /'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"/y;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;

/* {type, text, value, at, line}; type: word, number, string, template, regexp,
 * or the character itself.  value: of a string that is written out. */
function scan(text) {
  const tokens = [];
  const braces = []; // of ${ in templates: what to go back to
  let at = 0;
  let line = 1;

  function match(pattern) {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  }

  function push(type, length, value) {
    const token = { type, at, line, value, text: text.substr(at, length) };
    tokens.push(token);
    line += token.text.split('\n').length - 1;
    at += length;
  }

  function isRegexpNext() {
    const last = tokens[tokens.length - 1];
    if (!last)
      return true;
    if (last.type === 'word')
      return BEFORE_REGEXP.includes(last.text);
    return !['number', 'string', 'template', 'regexp', ')', ']', '}']
      .includes(last.type);
  }

  /* From behind ` or } to ` or ${. */
  function template(isStart) {
    let end = at + 1;
    while (end < text.length && text[end] !== '`' &&
           !(text[end] === '$' && text[end + 1] === '{'))
      end += text[end] === '\\' ? 2 : 1;
    const isWhole = isStart && text[end] === '`';
    const inner = text.slice(at + 1, end);
    if (text[end] === '$') {
      braces.push('template');
      push('template', end + 2 - at);
    } else {
      push('template', end + 1 - at,
        isWhole && !inner.includes('\\') ? inner : undefined);
    }
  }

  while (at < text.length) {
    const space = match(SPACE);
    if (space) {
      line += space.split('\n').length - 1;
      at += space.length;
      continue;
    }
    const word = match(WORD);
    const number = !word && match(NUMBER);
    const string = match(STRING);
    const char = text[at];
    if (word) {
      push('word', word.length);
    } else if (number) {
      push('number', number.length);
    } else if (string) {
      push('string', string.length,
        string.includes('\\') ? undefined : string.slice(1, -1));
    } else if (char === '`') {
      template(true);
    } else if (char === '}' && braces[braces.length - 1] === 'template') {
      braces.pop();
      template(false);
    } else if (char === '/' && isRegexpNext() && match(REGEXP)) {
      push('regexp', match(REGEXP).length);
    } else {
      if (char === '{')
        braces.push('brace');
      else if (char === '}')
        braces.pop();
      push(char === '=' && text[at + 1] === '>' ? '=>' : char,
        char === '=' && text[at + 1] === '>' ? 2 : 1);
    }
  }
  return tokens;
}

/* The index of the bracket that closes the one at tokens[open]. */
function closingIndex(tokens, open) {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if ('([{'.includes(tokens[i].type))
      depth++;
    else if (')]}'.includes(tokens[i].type) && --depth === 0)
      return i;
  }
  return tokens.length - 1;
}

class Reader {
  constructor(tokens) {
    this.tokens = tokens;
    this.stack = []; // open brackets: {type, path, isCertain, isSuite, before}
    this.lastClosed = null;
    this.tests = []; // {name, maySkip}
    this.isOpen = false;
    this.tester = null;
  }

  get top() {
    return this.stack[this.stack.length - 1];
  }

  /* Does a statement begin at token i, and is it certain to run? */
  isCertain(i) {
    const last = this.tokens[i - 1];
    if (this.top && !this.top.isCertain)
      return false;
    if (!last || [';', '{', '}'].includes(last.type))
      return true;
    if (last.type === '=>')
      return Boolean(this.top?.isSuite);
    if (last.type === 'word' && last.text === 'await')
      return this.isCertain(i - 1);
    if (last.line === this.tokens[i].line)
      return false;
    if (last.type === ')')
      return !CONDITIONS.includes(this.lastClosed?.before?.text);
    return ['word', 'string', 'template', 'number', ']'].includes(last.type) &&
      last.text !== 'else';
  }

  /* test( or test.skip( at token i: {open, isSuite, mark}, else null. */
  call(i) {
    const [word, next] = [this.tokens[i], this.tokens[i + 1]];
    const isSuite = SUITES.includes(word.text);
    const before = this.tokens[i - 1];
    if (word.type !== 'word' || !(isSuite || TESTS.includes(word.text)))
      return null;
    if (before?.type === '.') {
      this.isOpen = true; // t.test(): a subtest
      return null;
    }
    if (before?.text === 'function')
      return null;
    if (next?.type === '(')
      return { open: i + 1, isSuite, mark: '' };
    if (next?.type === '.' && this.tokens[i + 3]?.type === '(')
      return { open: i + 3, isSuite, mark: this.tokens[i + 2].text };
    return null;
  }

  takeCall(i, call) {
    const name = this.tokens[call.open + 1]?.value;
    const after = this.tokens[call.open + 2]?.type;
    const isCertain = this.isCertain(i) && name !== undefined &&
      (after === ',' || after === ')') && name !== '';
    const parent = this.top?.path ?? [];
    const inside = this.tokens.slice(call.open,
      closingIndex(this.tokens, call.open));
    const maySkip = SKIPS.includes(call.mark) || Boolean(this.top?.maySkip) ||
      inside.some((t) => t.type === 'word' && SKIPS.includes(t.text));
    if (!call.isSuite)
      this.tester ??= this.tokens[i].text;
    if (!isCertain)
      this.isOpen = true;
    else if (!call.isSuite)
      this.tests.push({ name: [...parent, name].join(' > '), maySkip });
    return { isSuite: call.isSuite && isCertain, path: [...parent, name],
      maySkip, isSkipped: isCertain && SKIPS.includes(call.mark) };
  }

  read() {
    const pending = new Map(); // index of '(' of a call: what it is
    this.tokens.forEach((token, i) => {
      const call = this.call(i);
      if (call)
        pending.set(call.open, this.takeCall(i, call));
      if ('([{'.includes(token.type))
        this.open(i, pending.get(i));
      else if (')]}'.includes(token.type))
        this.lastClosed = this.stack.pop() ?? null;
    });
    return this;
  }

  open(i, call) {
    const { type } = this.tokens[i];
    const before = this.tokens[i - 1];
    const top = this.top;
    const entry = { type, before, path: top?.path ?? [],
      maySkip: top?.maySkip, isCertain: false, isSuite: false };
    if (call?.isSuite)
      Object.assign(entry, call, { isCertain: !call.isSkipped });
    else if (type === '{' && top?.isSuite && top.isCertain &&
             (before?.type === '=>' || before?.type === ')'))
      entry.isCertain = true;
    this.stack.push(entry);
  }
}

/*
 * {expected, isOpen, tester, maySkip(name), tokens}; tester is the name by
 * which the file calls test().
 */
function readTests(text) {
  const tokens = scan(text);
  const { tests, isOpen, tester } = new Reader(tokens).read();
  const mayBeSkipped = new Set(tests.filter((t) => t.maySkip)
    .map((t) => t.name));
  const known = new Set(tests.map((t) => t.name));
  const hasSkip = tokens.some((t) => t.type === 'word' &&
    SKIPS.includes(t.text));
  return {
    tokens, tester,
    isOpen: isOpen || tests.length === 0,
    expected: tests.map((t) => t.name),
    isKnown: (name) => known.has(name),
    maySkip: (name) => (known.has(name) ? mayBeSkipped.has(name) : hasSkip),
  };
}

module.exports = { readTests, scan };
