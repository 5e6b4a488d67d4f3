// SPDX-License-Identifier: Apache-2.0
/*
 * Habits that hide mistakes.
 */
'use strict';

const { bare, keyName, isFunction } = require('./ast.cjs');
const { constantText } = require('./names.cjs');

const LEAVES = new Set(['ReturnStatement', 'ThrowStatement', 'BreakStatement',
  'ContinueStatement']);

function loose(node, program) {
  if (node.operator !== '==' && node.operator !== '!=')
    return;
  const sides = [bare(node.left), bare(node.right)];
  /* == null is how null and undefined are asked for; typeof gives a string. */
  if (sides.some((one) => (one.type === 'Literal' && one.value === null) ||
      (one.type === 'Identifier' && one.name === 'undefined') ||
      (one.type === 'UnaryExpression' && one.operator === 'typeof')))
    return;
  program.report('loose-equality', node,
    `${node.operator} converts both sides before it compares them.`);
}

const SAME = new Set(['===', '==', '!==', '!=', '<', '>', '<=', '>=']);

function same(node, program) {
  if (!SAME.has(node.operator))
    return;
  const [left, right] = [bare(node.left), bare(node.right)];
  if ((left.type === 'Identifier' && left.name === 'NaN' && !left.binding) ||
      (right.type === 'Identifier' && right.name === 'NaN' && !right.binding)) {
    program.report('nan-comparison', node, 'NaN equals nothing, not even NaN.');
    return;
  }
  const from = program.text.slice(left.start, left.end);
  if (['Identifier', 'MemberExpression'].includes(left.type) &&
      left.type === right.type && node.operator !== '!==' &&
      node.operator !== '!=' && node.operator !== '===' &&
      from.length < 200 && from === program.text.slice(right.start, right.end))
    program.report('self-comparison', node, 'a value is compared with itself.');
}

function emptyCatch(node, program) {
  const body = node.body;
  if (body.body.length > 0)
    return;
  if (!program.comments.some((one) => one.start > body.start &&
      one.end < body.end))
    program.report('empty-catch', node, 'an error is thrown away unseen.');
}

/* Declarations are hoisted, an empty statement is nothing. */
function unreachable(list, program) {
  const at = list.findIndex((one) => LEAVES.has(one.type));
  if (at < 0)
    return;
  const after = list.slice(at + 1).find((one) =>
    one.type !== 'FunctionDeclaration' && one.type !== 'EmptyStatement' &&
    !(one.type === 'VariableDeclaration' && one.kind === 'var' &&
    one.declarations.every((own) => !own.init)) &&
    !(one.type === 'BreakStatement'));
  if (after)
    program.report('unreachable-code', after, 'nothing ever gets here.');
}

function cases(node, program) {
  const seen = new Set();
  for (const one of node.cases) {
    unreachable(one.consequent, program);
    const text = one.test && one.test.type === 'Literal' ?
      one.test.raw : null;
    if (text !== null && seen.has(text))
      program.report('duplicate-case', one, 'this case is already there.');
    seen.add(text);
  }
}

function keys(node, program) {
  const seen = new Set();
  for (const one of node.properties) {
    const name = one.type === 'Property' && one.kind === 'init' &&
      !one.computed ? keyName(one) : null;
    if (name === null)
      continue;
    if (seen.has(name))
      program.report('duplicate-key', one,
        'the object already has a value of this name.');
    seen.add(name);
  }
}

function condition(node, program) {
  const test = node.test;
  if (test && test.type === 'AssignmentExpression' && test.operator === '=' &&
      program.text[test.start - 1] === '(' && program.text[test.start - 2] !==
      '(' && constantText(test.right) !== null)
    program.report('assignment-in-condition', test,
      '= assigns where a comparison was meant.');
}

function thrown(node, program) {
  const value = bare(node.argument);
  if (value && ((value.type === 'Literal') ||
      value.type === 'TemplateLiteral' || (value.type === 'BinaryExpression' &&
      value.operator === '+')))
    program.report('throw-literal', node,
      'what is thrown has no stack and is no Error.');
}

/* Old scripts have nothing else; a file with let or const has. */
function vars(program) {
  const all = program.all('VariableDeclaration');
  const old = all.filter((one) => one.kind === 'var');
  if (old.length === 0)
    return;
  const isModern = old.length < all.length ||
    program.all('ArrowFunctionExpression').length > 0 ||
    program.all('TemplateLiteral').length > 0 ||
    program.all('ClassDeclaration').length > 0 || all.length < 6;
  if (isModern)
    for (const one of old.slice(0, 20))
      program.report('var-declaration', one,
        'var is seen in the whole function and may be declared twice.');
}

const EXPORTS = new Set(['ExportNamedDeclaration', 'ExportDefaultDeclaration']);

function unused(program) {
  if (program.all('WithStatement').length > 0 ||
      program.all('CallExpression').some((one) =>
        one.callee.type === 'Identifier' && one.callee.name === 'eval'))
    return;
  const isScript = program.all('ImportDeclaration').length === 0 &&
    !program.text.includes('require(') && !program.text.includes('exports');
  for (const one of program.scopes.bindings) {
    if (one.reads.length > 0 || one.name.startsWith('_') ||
        !['var', 'let', 'const', 'import'].includes(one.kind) || one.loop)
      continue;
    /* Other scripts of the page may use it. */
    if (isScript && one.scope.node.type === 'Program')
      continue;
    let up = one.node.parent;
    let isPattern = false;
    while (up && ['Property', 'ObjectPattern', 'ArrayPattern',
      'AssignmentPattern', 'VariableDeclarator', 'VariableDeclaration',
      'RestElement'].includes(up.type)) {
      isPattern = isPattern || up.type === 'ArrayPattern' ||
        up.type === 'ObjectPattern';
      up = up.parent;
    }
    if ((up && EXPORTS.has(up.type)) || isPattern ||
        (one.name === 'React' && program.all('JSXElement').length > 0) ||
        (one.kind === 'var' && isFunction(one.init)) || one.writes.length > 0)
      continue;
    program.report('unused-variable', one.node,
      `${one.name.slice(0, 60)} is never read.`);
  }
}

module.exports = {
  BinaryExpression(node, program) {
    loose(node, program);
    same(node, program);
  },
  CatchClause: emptyCatch,
  BlockStatement(node, program) {
    unreachable(node.body, program);
  },
  SwitchStatement: cases,
  ObjectExpression: keys,
  IfStatement: condition,
  WhileStatement: condition,
  ThrowStatement: thrown,
  end(program) {
    vars(program);
    unused(program);
  },
};
