// SPDX-License-Identifier: Apache-2.0
/*
 * The size and shape of functions, classes and files.
 */
'use strict';

const { bare, eachChild, isFunction, walkOwn } = require('./ast.cjs');
const { calleeName } = require('./names.cjs');

const LINES_MAX = 100;
const BRANCHES_MAX = 25;
const PARAMETERS_MAX = 6;
const NESTING_MAX = 4;
const CALLBACKS_MAX = 3;
const METHODS_MAX = 25;
const FILE_LINES_MAX = 1000;

const NESTS = new Set(['IfStatement', 'ForStatement', 'ForInStatement',
  'ForOfStatement', 'WhileStatement', 'DoWhileStatement', 'SwitchStatement',
  'TryStatement', 'WithStatement']);
const BRANCHES = new Set(['IfStatement', 'ForStatement', 'ForInStatement',
  'ForOfStatement', 'WhileStatement', 'DoWhileStatement', 'CatchClause',
  'ConditionalExpression', 'LogicalExpression']);

function nameOf(fn) {
  if (fn.id)
    return `${fn.id.name.slice(0, 60)}()`;
  const parent = fn.parent;
  if (parent.type === 'VariableDeclarator' && parent.id.name)
    return `${parent.id.name.slice(0, 60)}()`;
  if ((parent.type === 'MethodDefinition' || parent.type === 'Property') &&
      parent.key.name)
    return `${parent.key.name.slice(0, 60)}()`;
  return 'the function';
}

/* A module in a function is as long as a file. */
function isWrapper(fn) {
  const parent = fn.parent;
  return parent.type === 'CallExpression' && (parent.callee === fn ||
    fn.params.length > 0 && ['define', 'describe', 'factory', 'ready']
      .includes(calleeName(parent))) ||
    (parent.type === 'UnaryExpression') || (parent.type === 'CallExpression' &&
    bare(parent.callee).type === 'FunctionExpression') ||
    (parent.type === 'MemberExpression');
}

function size(fn, program) {
  const first = program.lines.at(fn.start);
  const length = program.lines.at(fn.end) - first + 1;
  if (length > LINES_MAX && !isWrapper(fn))
    program.report('long-function', fn,
      `${nameOf(fn)} has ${length} lines.`);
  const count = fn.params.length;
  if (count > PARAMETERS_MAX)
    program.report('many-parameters', fn,
      `${nameOf(fn)} takes ${count} parameters.`);
}

function branches(fn, program) {
  let count = 1;
  walkOwn(fn, (node) => {
    if (BRANCHES.has(node.type) || (node.type === 'SwitchCase' && node.test))
      count++;
  });
  if (count > BRANCHES_MAX)
    program.report('complex-function', fn,
      `${nameOf(fn)} has ${count} ways through it.`);
}

/* else if is no level of its own. */
function nesting(fn, program) {
  let deepest = null;
  const visit = (node, depth) => {
    if (node !== fn && isFunction(node))
      return;
    const nests = NESTS.has(node.type) && !(node.type === 'IfStatement' &&
      node.parent.type === 'IfStatement' && node.parent.alternate === node);
    const own = depth + Number(nests);
    if (own > NESTING_MAX && nests && !deepest)
      deepest = node;
    eachChild(node, (child) => visit(child, own));
  };
  visit(fn, 0);
  if (deepest)
    program.report('deep-nesting', deepest,
      `more than ${NESTING_MAX} statements are inside each other.`);
}

const isCallback = (fn) => fn.parent.type === 'CallExpression' &&
  fn.parent.callee !== fn && fn.type !== 'ClassExpression' &&
  !['describe', 'it', 'test', 'suite', 'context', 'define', 'before',
    'beforeEach', 'after', 'afterEach'].includes(calleeName(fn.parent));

function callbacks(fn, program) {
  if (!isCallback(fn))
    return;
  let depth = 0;
  for (let up = fn; up; up = up.parent)
    if (isFunction(up) && isCallback(up))
      depth++;
  if (depth === CALLBACKS_MAX + 1)
    program.report('callback-depth', fn,
      `${depth} callbacks are inside each other.`);
}

function onFunction(fn, program) {
  size(fn, program);
  branches(fn, program);
  nesting(fn, program);
  callbacks(fn, program);
}

function onClass(node, program) {
  const methods = node.body.body.filter((one) =>
    one.type === 'MethodDefinition' && one.kind === 'method').length;
  if (methods > METHODS_MAX)
    program.report('large-class', node,
      `the class has ${methods} methods.`);
}

/* async functions whose promises nobody has. */
function lostPromise(node, program) {
  const fn = node.arguments[0] && bare(node.arguments[0]);
  if (node.type === 'CallExpression' && calleeName(node) === 'forEach' &&
      isFunction(fn) && fn.async)
    program.report('async-foreach', node,
      'forEach() neither waits for the function nor sees it fail.');
  if (node.type === 'NewExpression' && calleeName(node) === 'Promise' &&
      isFunction(fn) && fn.async)
    program.report('async-executor', node,
      'what the async function throws does not reject the promise.');
}

/* An assignment to a name that is declared nowhere. */
function globals(program) {
  if (program.sourceType === 'script')
    return;
  const seen = new Set();
  for (const node of program.scopes.globals.writes) {
    if (seen.has(node.name) || node.parent.type !== 'AssignmentExpression' ||
        /^(module|exports|onmessage|onerror|onload|self|name|location|window)$/
          .test(node.name) || program.text.includes(`global ${node.name}`))
      continue;
    seen.add(node.name);
    if (node.parent.operator === '=')
      program.report('implicit-global', node,
        `${node.name.slice(0, 60)} is declared nowhere: it becomes global.`);
  }
}

module.exports = {
  FunctionDeclaration: onFunction,
  FunctionExpression: onFunction,
  ArrowFunctionExpression: onFunction,
  ClassDeclaration: onClass,
  ClassExpression: onClass,
  CallExpression: lostPromise,
  NewExpression: lostPromise,
  end(program) {
    globals(program);
    const count = program.lines.starts.length;
    if (count > FILE_LINES_MAX)
      program.report('long-file', { start: 0, end: 1 },
        `the file has ${count} lines.`);
  },
};
