// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions that take exponential time (regex.cjs).
 */
'use strict';

const { isExponential } = require('./regex.cjs');
const { pathOf, constantText } = require('./names.cjs');

/* What all patterns of a file may cost together. */
const LENGTH_MAX = 200000;

function look(pattern, node, program) {
  program.patterns = (program.patterns || 0) + pattern.length;
  if (program.patterns > LENGTH_MAX || !isExponential(pattern))
    return;
  program.report('redos', node,
    'some texts keep this regular expression busy for ever.');
}

function made(node, program) {
  const text = pathOf(node.callee) === 'RegExp' && node.arguments[0] ?
    constantText(node.arguments[0]) : null;
  if (text !== null)
    look(text, node, program);
}

module.exports = {
  Literal(node, program) {
    if (node.regex)
      look(node.regex.pattern, node, program);
  },
  NewExpression: made,
  CallExpression: made,
};
