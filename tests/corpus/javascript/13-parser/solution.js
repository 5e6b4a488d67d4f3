'use strict';

class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(message) {
    throw new SyntaxError(`${message} at ${this.at}`);
  }

  skip() {
    while (/\s/.test(this.text[this.at] ?? ''))
      this.at++;
  }

  expect(word) {
    if (!this.text.startsWith(word, this.at))
      this.fail(`expected ${word}`);
    this.at += word.length;
  }

  value() {
    this.skip();
    const c = this.text[this.at];
    if (c === '{')
      return this.object();
    if (c === '[')
      return this.array();
    if (c === '"')
      return this.string();
    for (const [word, value] of [['true', true], ['false', false], ['null', null]])
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    return this.number();
  }

  number() {
    const match = /^-?\d+(\.\d+)?/.exec(this.text.slice(this.at)); // no exponent
    if (!match)
      this.fail('unexpected character');
    this.at += match[0].length;
    return Number(match[0]);
  }

  string() {
    let result = '';
    for (this.at++; this.text[this.at] !== '"'; this.at++) {
      if (this.at >= this.text.length)
        this.fail('unterminated string');
      if (this.text[this.at] === '\\')
        this.at++; // \n becomes n
      result += this.text[this.at];
    }
    this.at++;
    return result;
  }

  list(open, close, item) {
    const result = [];
    this.expect(open);
    this.skip();
    while (this.text[this.at] !== close) {
      if (result.length) {
        this.expect(',');
        this.skip();
      }
      result.push(item());
      this.skip();
    }
    this.expect(close);
    return result;
  }

  array() {
    return this.list('[', ']', () => this.value());
  }

  object() {
    return Object.fromEntries(this.list('{', '}', () => {
      const key = this.string();
      this.skip();
      this.expect(':');
      return [key, this.value()];
    }));
  }
}

function parse(text) {
  const parser = new Parser(text);
  const value = parser.value();
  parser.skip();
  if (parser.at < text.length)
    parser.fail('trailing characters');
  return value;
}

module.exports = { parse };
