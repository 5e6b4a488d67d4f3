// SPDX-License-Identifier: Apache-2.0
/*
 * What a condition proves about values: in its branch, or after a branch that
 * leaves.  Whoever compares a value with what is allowed has made it harmless;
 * an anchored pattern has for what it keeps out.
 */
'use strict';

const { bare, keyName, wordsOf } = require('./ast.cjs');
const { pathOf, calleeName, constantText } = require('./names.cjs');
const { patternProves } = require('./cleaners.cjs');
const { FOR, ALL } = require('./taint.cjs');

const PLACES = FOR.path | FOR.url | FOR.redirect;
const LISTS = new Set(['includes', 'has', 'some', 'hasOwnProperty', 'hasOwn',
  'contains', 'find', 'every']);
const POSITIONS = new Set(['indexOf', 'search', 'lastIndexOf', 'findIndex']);
const CHECKING = new Set(['is', 'valid', 'validate', 'allowed', 'check',
  'verify', 'ensure', 'assert', 'safe', 'permitted', 'matches', 'can']);
const NOT_CHECKING = new Set(['isString', 'isArray', 'isObject', 'isEmpty',
  'isNull', 'isUndefined', 'isFunction', 'isNil', 'isAuthenticated',
  'isBuffer', 'isAbsolute', 'isDefined', 'isPlainObject', 'isPresent']);

/* "3.query.id" for a name or a chain of names, or null. */
function keyOf(node) {
  node = bare(node);
  if (!node)
    return null;
  if (node.type === 'Identifier')
    return node.binding ? String(node.binding.id) : `g${node.name}`;
  if (node.type === 'ThisExpression')
    return 'this';
  if (node.type !== 'MemberExpression')
    return null;
  if (node.key_ !== undefined)
    return node.key_;
  const name = keyName(node);
  const object = name === null ? null : keyOf(node.object);
  node.key_ = object === null || object.length > 120 ? null :
    `${object}.${name.replaceAll('.', '_')}`;
  return node.key_;
}

/* The values that an expression is made of. */
function keysIn(node, found = [], depth = 0) {
  node = bare(node);
  if (!node || depth > 6 || found.length > 8)
    return found;
  const key = keyOf(node);
  if (key !== null && node.type !== 'ThisExpression') {
    found.push({ key, node, depth });
    const binding = node.type === 'Identifier' && node.binding;
    if (binding && binding.init && binding.writes.length === 0)
      keysIn(binding.init, found, depth + 1);
    if (node.type === 'MemberExpression')
      keysIn(node.object, found, depth + 2);
    return found;
  }
  if (node.type === 'MemberExpression')
    keysIn(node.object, found, depth + 1);
  else if (node.type === 'AwaitExpression' || node.type === 'UnaryExpression')
    keysIn(node.argument, found, depth + 1);
  else if (node.type === 'CallExpression' || node.type === 'NewExpression') {
    keysIn(node.callee.object, found, depth + 1);
    for (const one of node.arguments)
      keysIn(one, found, depth + 1);
  }
  return found;
}

class Guards {
  constructor(flow) {
    this.flow = flow;
  }

  /* What was derived from the value is proved, too, but only as a place. */
  prove(node, env, mask) {
    for (const one of keysIn(node)) {
      const value = this.flow.valueOf(one.node, env);
      if (value)
        env.set(one.key,
          value.cleaned(one.depth === 0 ? mask : mask & PLACES));
    }
  }

  assume(test, env, isTrue) {
    test = bare(test);
    if (!test)
      return;
    switch (test.type) {
    case 'UnaryExpression':
      if (test.operator === '!')
        this.assume(test.argument, env, !isTrue);
      break;
    case 'LogicalExpression':
      if ((test.operator === '&&') === isTrue && test.operator !== '??') {
        this.assume(test.left, env, isTrue);
        this.assume(test.right, env, isTrue);
      }
      break;
    case 'BinaryExpression':
      this.comparison(test, env, isTrue);
      break;
    case 'CallExpression':
      this.call(test, env, isTrue);
      break;
    case 'MemberExpression':
      if (isTrue && test.computed)
        this.prove(test.property, env, ALL);
      break;
    case 'Identifier': {
      /* const isOk = ALLOWED.includes(x); if (isOk) ... */
      const binding = test.binding;
      if (binding && binding.kind === 'const' && binding.init &&
          binding.keys.length === 0 &&
          binding.init.type !== 'Identifier')
        this.assume(binding.init, env, isTrue);
    }
    }
  }

  comparison(test, env, isTrue) {
    const equal = test.operator === '===' || test.operator === '==';
    const unequal = test.operator === '!==' || test.operator === '!=';
    const left = bare(test.left);
    if (test.operator === 'in' && isTrue)
      return this.prove(left, env, ALL);
    if (this.position(test, left, env, isTrue))
      return;
    if (!(equal && isTrue) && !(unequal && !isTrue)) {
      if (['__proto__', 'constructor'].includes(constantText(test.right)))
        this.prove(left, env, FOR.proto);
      return;
    }
    if (left.type === 'UnaryExpression' && left.operator === 'typeof') {
      const type = constantText(test.right);
      if (type === 'string')
        this.prove(left.argument, env, FOR.nosql);
      else if (type === 'number' || type === 'boolean')
        this.prove(left.argument, env, ALL);
      return;
    }
    for (const [one, other] of [[left, test.right], [test.right, left]])
      if (constantText(other) !== null ||
          (other.type === 'MemberExpression' && !this.flow.valueOf(other, env)))
        this.prove(one, env, ALL);
  }

  /* list.indexOf(x) !== -1 and its like. */
  position(test, left, env, isTrue) {
    if (left.type !== 'CallExpression' || !POSITIONS.has(calleeName(left)))
      return false;
    const right = bare(test.right);
    const isMinus = right.type === 'UnaryExpression' &&
      right.operator === '-';
    const isZero = right.type === 'Literal' && right.value === 0;
    const found = (isMinus && ['!==', '!=', '>'].includes(test.operator)) ||
      (isZero && test.operator === '>=');
    const missing = (isMinus && ['===', '=='].includes(test.operator)) ||
      (isZero && test.operator === '<');
    const isStart = isZero && ['===', '=='].includes(test.operator);
    if (isStart && isTrue)
      this.prove(left.callee.object, env, PLACES);
    else if (found || missing)
      this.list(left, env, found === isTrue);
    return true;
  }

  /* list.includes(x): the list has it; or x.includes('..'): x has not. */
  list(call, env, isIn) {
    const callee = bare(call.callee);
    const object = callee.type === 'MemberExpression' ? callee.object : null;
    if (object && this.flow.valueOf(object, env)) {
      const text = call.arguments[0] && constantText(call.arguments[0]);
      if (!isIn && (text === '..' || text === '../' || text === '/'))
        this.prove(object, env, FOR.path);
      return;
    }
    if (isIn)
      for (const one of call.arguments)
        this.prove(one, env, ALL);
  }

  call(test, env, isTrue) {
    const name = calleeName(test);
    const callee = bare(test.callee);
    const object = callee.type === 'MemberExpression' ? callee.object : null;
    if (LISTS.has(name))
      return this.list(test, env, isTrue);
    if (name === 'test' || name === 'match') {
      const [pattern, value] = name === 'test' ?
        [object, test.arguments[0]] : [test.arguments[0], object];
      return this.pattern(pattern, value, env, isTrue);
    }
    if (name === 'startsWith' && isTrue && object && test.arguments[0]) {
      const start = constantText(test.arguments[0]);
      if (start === null || start.length > 1)
        this.prove(object, env, PLACES);
      return;
    }
    if (name === 'isNaN' && !isTrue || (isTrue && this.isCheck(test, name)))
      for (const one of test.arguments)
        this.prove(one, env, ALL);
  }

  isCheck(test, name) {
    if (NOT_CHECKING.has(name))
      return false;
    const words = wordsOf(name);
    return CHECKING.has(words[0]) || words[1] === 'valid' ||
      pathOf(test.callee).startsWith('#validator.');
  }

  pattern(pattern, value, env, isTrue) {
    const node = pattern && bare(pattern);
    const literal = node && node.type === 'Identifier' && node.binding &&
      node.binding.init ? bare(node.binding.init) : node;
    if (!literal || !value)
      return;
    if (!literal.regex) {
      /* A pattern made elsewhere, with a name that says what for. */
      if (isTrue && node.type === 'Identifier')
        this.prove(value, env, ALL & ~FOR.code);
      return;
    }
    if (isTrue)
      this.prove(value, env, patternProves(literal.regex));
    else if (literal.regex.pattern.includes('\\.\\.'))
      this.prove(value, env, FOR.path);
  }
}

module.exports = { Guards, keyOf };
