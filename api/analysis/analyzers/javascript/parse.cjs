// SPDX-License-Identifier: Apache-2.0
/*
 * Source text to a syntax tree, by Debian's acorn and acorn-jsx.  The text is
 * hostile: its size, the number of nodes and, by the stack, their depth are
 * bounded, and every refusal is a NotAnalysed that says why and where.
 */
'use strict';

const acorn = require('/usr/share/nodejs/acorn');
const jsx = require('/usr/share/nodejs/acorn-jsx');

const TEXT_MAX = 4 << 20;
const NODES_MAX = 400000;

class NotAnalysed extends Error {}

/* A line's number from an offset. */
class Lines {
  constructor(text) {
    this.starts = [0];
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1))
      this.starts.push(i + 1);
  }

  at(offset) {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= offset)
        low = middle;
      else
        high = middle - 1;
    }
    return low + 1;
  }

  column(offset) {
    return offset - this.starts[this.at(offset) - 1] + 1;
  }
}

const Parser = acorn.Parser.extend(jsx(), (Base) => class extends Base {
  finishNode(node, type) {
    this.made = (this.made || 0) + 1;
    if (this.made > NODES_MAX)
      throw new NotAnalysed(`more than ${NODES_MAX} syntax nodes`);
    return super.finishNode(node, type);
  }

  /* A name declared twice, an export of nothing: the tree is whole. */
  raiseRecoverable() {}
});

function decode(bytes) {
  if (bytes.length > TEXT_MAX)
    throw new NotAnalysed(`the source is longer than ${TEXT_MAX} bytes`);
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new NotAnalysed('the source is not UTF-8');
  }
  const nul = text.indexOf('\0');
  if (nul >= 0)
    throw new NotAnalysed(
      `line ${new Lines(text).at(nul)}: the source has a NUL byte`);
  return text;
}

const TYPED_LINE = new Set(['interface', 'type', 'enum', 'declare',
  'namespace', 'abstract', 'public', 'private', 'protected', 'readonly',
  'export', 'import']);
const TYPES = [': string', ': number', ': boolean', ': any', ': void',
  ': unknown', ': never', ': Promise<', ': Array<', ': Record<', ' as ',
  '<string>', '<any>', '<T>', '!;', '!.', ': {', '?:', 'implements ',
  'interface ', 'enum ', 'import type ', 'export type ', 'declare '];

/* The parser stopped here: is it at something that only TypeScript has? */
function looksTyped(text, lines, offset) {
  const line = lines.at(offset);
  const start = lines.starts[line - 1];
  const end = lines.starts[line] || text.length;
  const words = text.slice(start, Math.min(end, start + 400)).trim();
  const first = words.split(' ', 1)[0];
  const next = text.slice(offset, offset + 16).trimStart();
  if (next[0] === ':' && offset > start)
    return TYPES.some((type) => words.includes(type)) ||
      (words.includes('(') && words.includes(': '));
  return (TYPED_LINE.has(first) && !words.startsWith('import(')) ||
    TYPES.slice(0, 13).some((type) => words.includes(type));
}

function attempt(text, sourceType, comments) {
  return Parser.parse(text, {
    ecmaVersion: 'latest',
    sourceType,
    allowHashBang: true,
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: sourceType === 'module',
    allowImportExportEverywhere: false,
    allowSuperOutsideMethod: true,
    onComment: comments,
  });
}

/*
 * Most programs are the same as module and as script; what is not (with,
 * octal numbers, await as a name) is tried as a script.
 */
function parse(bytes) {
  const text = decode(bytes);
  const lines = new Lines(text);
  let worst = null;
  for (const sourceType of ['module', 'script']) {
    const comments = [];
    try {
      const ast = attempt(text, sourceType, comments);
      return { ast, text, lines, comments, sourceType };
    } catch (error) {
      if (error instanceof RangeError)
        throw new NotAnalysed('the source is nested too deeply');
      if (!(error instanceof SyntaxError))
        throw error;
      if (!worst || error.pos > worst.pos)
        worst = error;
    }
  }
  const line = lines.at(worst.pos);
  if (looksTyped(text, lines, worst.pos))
    throw new NotAnalysed(
      `line ${line}: this is TypeScript or Flow, which is not analysed`);
  /* The parser's own text ends in "(line:column)" and may quote the source. */
  throw new NotAnalysed(`line ${line}: syntax error`);
}

module.exports = { parse, NotAnalysed };
