// SPDX-License-Identifier: Apache-2.0
/*
 * What makes a program slower than it need be.
 */
'use strict';

const { bare, keyName, isFunction, loopAround, functionAround, eachChild,
  walk } =
  require('./ast.cjs');
const { pathOf, calleeName, constantText, isConstant } =
  require('./names.cjs');

/* The function that is called once an element: list.map(fn). */
const ITERATES = new Set(['forEach', 'map', 'filter', 'reduce', 'flatMap',
  'some', 'every']);

function iterationAround(node) {
  const loop = loopAround(node);
  if (loop)
    return loop;
  const fn = functionAround(node);
  return isFunction(fn) && fn.parent.type === 'CallExpression' &&
    ITERATES.has(calleeName(fn.parent)) && fn.parent.arguments[0] === fn ?
    fn.parent : null;
}

const QUERIES = new Set(['query', 'findOne', 'findById', 'findByPk',
  'findUnique', 'findFirst', 'execute']);

function awaits(node, program) {
  const loop = loopAround(node);
  if (!loop || loop.await || loop.type === 'WhileStatement' ||
      loop.type === 'DoWhileStatement')
    return;
  const call = bare(node.argument);
  if (call.type !== 'CallExpression')
    return;
  const name = calleeName(call);
  if (QUERIES.has(name) && pathOf(call.callee).includes('.')) {
    program.report('query-in-loop', node, 'one query is sent for each element.');
    return;
  }
  if (leavesEarly(loop) || /sleep|delay|wait|retry|next/i.test(name) ||
      loop.type === 'ForStatement' && dependsOn(node, loop))
    return;
  if (node.parent.type === 'AssignmentExpression' ||
      node.parent.type === 'ReturnStatement')
    return;
  program.report('await-in-loop', node,
    'each round waits for the one before it.');
}

/* Retries and searches are one after the other on purpose. */
function leavesEarly(loop) {
  const stack = [loop.body];
  while (stack.length > 0) {
    const one = stack.pop();
    if (!one || isFunction(one))
      continue;
    if (['BreakStatement', 'ReturnStatement', 'ThrowStatement', 'TryStatement',
      'ContinueStatement'].includes(one.type))
      return true;
    eachChild(one, (child) => stack.push(child));
  }
  return false;
}

const dependsOn = (node, loop) => !loop.test || !loop.update;

function syncInHandler(node, program) {
  const name = calleeName(node);
  const path = pathOf(node.callee);
  if (!name.endsWith('Sync') || name === 'existsSync' ||
      !/^(#fs|fs|#child_process|#zlib|#crypto|#fs-extra)\./.test(path))
    return;
  for (let fn = functionAround(node); isFunction(fn); fn = functionAround(fn))
    if (program.roles.handlers.has(fn)) {
      program.report('sync-in-handler', node,
        `${name}() stops all other requests until it is done.`);
      return;
    }
}

function searchInLoop(node, program) {
  const name = calleeName(node);
  if (!['includes', 'indexOf', 'find', 'findIndex'].includes(name) ||
      node.callee.type !== 'MemberExpression')
    return;
  const object = bare(node.callee.object);
  if (object.type !== 'Identifier' || !object.binding)
    return;
  const loop = iterationAround(node);
  const binding = object.binding;
  const init = binding.init && bare(binding.init);
  const isArray = init && binding.keys.length === 0 && (
    (init.type === 'ArrayExpression' && (init.elements.length > 20 ||
      isGrown(binding))) ||
    (init.type === 'CallExpression' && ['map', 'filter', 'keys', 'values',
      'from'].includes(calleeName(init))));
  if (!loop || !isArray || isInside(binding.node, loop) || !dependsOnLoop(node,
    loop))
    return;
  program.report('search-in-loop', node,
    'a list is searched from its start in each round.');
}

const isGrown = (binding) => binding.reads.some((one) =>
  one.parent.type === 'MemberExpression' && one.parent.object === one &&
  keyName(one.parent) === 'push');

const isInside = (node, outer) => node.start >= outer.start &&
  node.end <= outer.end;

function dependsOnLoop(node, loop) {
  let found = false;
  walk(node, (one) => {
    if (one.type === 'Identifier' && one.binding &&
        isInside(one.binding.node, loop))
      found = true;
    return !found;
  });
  return found;
}

function growingText(node, program) {
  if (node.operator !== '+=' || node.left.type !== 'Identifier' ||
      !node.left.binding)
    return;
  const inner = loopAround(node);
  const outer = inner && loopAround(inner);
  const binding = node.left.binding;
  const init = binding.init && constantText(binding.init);
  if (outer && init !== null && typeof bare(binding.init)?.value !== 'number' &&
      binding.init && !isInside(binding.node, outer))
    program.report('text-in-nested-loop', node,
      'a text grows by a copy in each round of two loops.');
}

function jsonClone(node, program) {
  if (pathOf(node.callee) !== 'JSON.parse' || node.arguments.length !== 1)
    return;
  const inner = bare(node.arguments[0]);
  if (inner.type === 'CallExpression' &&
      pathOf(inner.callee) === 'JSON.stringify' && inner.arguments.length === 1)
    program.report('json-clone', node,
      'a copy is made by way of text, and loses dates, undefined and more.');
}

function regexInLoop(node, program) {
  if (pathOf(node.callee) !== 'RegExp' || !node.arguments[0] ||
      !node.arguments.every((one) => isConstant(one)))
    return;
  if (iterationAround(node))
    program.report('regex-in-loop', node,
      'the same regular expression is compiled in each round.');
}

/* reduce((all, x) => [...all, x]) copies all of it each time. */
function spreadInReduce(node, program) {
  if (calleeName(node) !== 'reduce' || !isFunction(node.arguments[0]))
    return;
  const fn = node.arguments[0];
  const name = fn.params[0] && fn.params[0].type === 'Identifier' ?
    fn.params[0].name : null;
  const results = fn.body.type === 'BlockStatement' ?
    fn.body.body.filter((one) => one.type === 'ReturnStatement' &&
      one.argument).map((one) => bare(one.argument)) : [bare(fn.body)];
  for (const result of results) {
    const first = result.type === 'ArrayExpression' ? result.elements[0] :
      result.type === 'ObjectExpression' ? result.properties[0] : null;
    if (name && first && first.type === 'SpreadElement' &&
        first.argument.type === 'Identifier' && first.argument.name === name)
      program.report('spread-in-reduce', node,
        'all that was gathered is copied for each element.');
  }
}

function pageInLoop(node, program) {
  if (node.operator !== '+=')
    return;
  const left = bare(node.left);
  if (left.type === 'MemberExpression' && keyName(left) === 'innerHTML' &&
      iterationAround(node))
    program.report('page-in-loop', node,
      'the page is parsed and laid out again in each round.');
}

module.exports = {
  AwaitExpression: awaits,
  CallExpression(node, program) {
    syncInHandler(node, program);
    searchInLoop(node, program);
    jsonClone(node, program);
    regexInLoop(node, program);
    spreadInReduce(node, program);
  },
  NewExpression: regexInLoop,
  AssignmentExpression(node, program) {
    growingText(node, program);
    pageInLoop(node, program);
  },
};
