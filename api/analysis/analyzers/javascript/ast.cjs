// SPDX-License-Identifier: Apache-2.0
/*
 * The syntax tree: which fields of a node hold nodes, and small questions that
 * several checks ask.  A type of node that is not in the table stops the
 * analysis: what is not understood must not pass as clean.
 */
'use strict';

const CHILDREN = new Map(Object.entries({
  Program: ['body'],
  ExpressionStatement: ['expression'],
  BlockStatement: ['body'],
  StaticBlock: ['body'],
  EmptyStatement: [],
  DebuggerStatement: [],
  WithStatement: ['object', 'body'],
  ReturnStatement: ['argument'],
  LabeledStatement: ['body'],
  BreakStatement: [],
  ContinueStatement: [],
  IfStatement: ['test', 'consequent', 'alternate'],
  SwitchStatement: ['discriminant', 'cases'],
  SwitchCase: ['test', 'consequent'],
  ThrowStatement: ['argument'],
  TryStatement: ['block', 'handler', 'finalizer'],
  CatchClause: ['param', 'body'],
  WhileStatement: ['test', 'body'],
  DoWhileStatement: ['body', 'test'],
  ForStatement: ['init', 'test', 'update', 'body'],
  ForInStatement: ['left', 'right', 'body'],
  ForOfStatement: ['left', 'right', 'body'],
  FunctionDeclaration: ['id', 'params', 'body'],
  FunctionExpression: ['id', 'params', 'body'],
  ArrowFunctionExpression: ['params', 'body'],
  VariableDeclaration: ['declarations'],
  VariableDeclarator: ['id', 'init'],
  ThisExpression: [],
  Super: [],
  ArrayExpression: ['elements'],
  ObjectExpression: ['properties'],
  Property: ['key', 'value'],
  UnaryExpression: ['argument'],
  UpdateExpression: ['argument'],
  BinaryExpression: ['left', 'right'],
  AssignmentExpression: ['left', 'right'],
  LogicalExpression: ['left', 'right'],
  MemberExpression: ['object', 'property'],
  ConditionalExpression: ['test', 'consequent', 'alternate'],
  CallExpression: ['callee', 'arguments'],
  NewExpression: ['callee', 'arguments'],
  SequenceExpression: ['expressions'],
  YieldExpression: ['argument'],
  AwaitExpression: ['argument'],
  ImportExpression: ['source'],
  ChainExpression: ['expression'],
  ParenthesizedExpression: ['expression'],
  TemplateLiteral: ['quasis', 'expressions'],
  TaggedTemplateExpression: ['tag', 'quasi'],
  TemplateElement: [],
  SpreadElement: ['argument'],
  RestElement: ['argument'],
  ObjectPattern: ['properties'],
  ArrayPattern: ['elements'],
  AssignmentPattern: ['left', 'right'],
  ClassDeclaration: ['id', 'superClass', 'body'],
  ClassExpression: ['id', 'superClass', 'body'],
  ClassBody: ['body'],
  MethodDefinition: ['key', 'value'],
  PropertyDefinition: ['key', 'value'],
  MetaProperty: [],
  Identifier: [],
  PrivateIdentifier: [],
  Literal: [],
  ImportDeclaration: [],
  ExportNamedDeclaration: ['declaration', 'specifiers'],
  ExportSpecifier: ['local'],
  ExportDefaultDeclaration: ['declaration'],
  ExportAllDeclaration: [],
  JSXElement: ['openingElement', 'children'],
  JSXFragment: ['children'],
  JSXOpeningElement: ['name', 'attributes'],
  JSXAttribute: ['value'],
  JSXSpreadAttribute: ['argument'],
  JSXExpressionContainer: ['expression'],
  JSXSpreadChild: ['expression'],
  JSXEmptyExpression: [],
  JSXText: [],
  JSXIdentifier: [],
  JSXMemberExpression: ['object'],
  JSXNamespacedName: [],
}));

/* A name after a dot or before a colon is no reference. */
const KEYED = new Map(Object.entries({
  MemberExpression: 'property',
  Property: 'key',
  MethodDefinition: 'key',
  PropertyDefinition: 'key',
}));

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression',
  'ArrowFunctionExpression']);
const LOOPS = new Set(['ForStatement', 'ForInStatement', 'ForOfStatement',
  'WhileStatement', 'DoWhileStatement']);

class UnknownSyntax extends Error {
  constructor(node) {
    super(`syntax that is not known here: ${node.type}`);
    this.at = node.start;
  }
}

function eachChild(node, visit) {
  const fields = CHILDREN.get(node.type);
  if (fields === undefined)
    throw new UnknownSyntax(node);
  const keyed = node.computed ? undefined : KEYED.get(node.type);
  for (const field of fields) {
    const value = node[field];
    if (!value || field === keyed)
      continue;
    if (Array.isArray(value)) {
      for (const one of value)
        if (one)
          visit(one);
    } else {
      visit(value);
    }
  }
}

/* All of a tree, from the outside in; enter() may return false: not inside. */
function walk(node, enter, leave) {
  if (enter(node) === false)
    return;
  eachChild(node, (child) => walk(child, enter, leave));
  if (leave)
    leave(node);
}

/* As walk(), but what other functions do is theirs. */
function walkOwn(fn, enter) {
  walk(fn, (node) => {
    if (node !== fn && FUNCTIONS.has(node.type))
      return false;
    return enter(node);
  });
}

const isFunction = (node) => Boolean(node) && FUNCTIONS.has(node.type);
const isLoop = (node) => Boolean(node) && LOOPS.has(node.type);

/* (a), a?.b and await a are a. */
function bare(node) {
  while (node && (node.type === 'ChainExpression' ||
      node.type === 'ParenthesizedExpression'))
    node = node.expression;
  return node;
}

/* The name of a member or of an object's property, null if it is computed. */
function keyName(node) {
  const key = node.type === 'MemberExpression' ? node.property : node.key;
  if (!key)
    return null;
  if (!node.computed && (key.type === 'Identifier'))
    return key.name;
  if (key.type === 'PrivateIdentifier')
    return `#${key.name}`;
  if (key.type === 'Literal')
    return String(key.value);
  return null;
}

/* The object literal that a name certainly means, or the node itself. */
function literalOf(node) {
  node = bare(node);
  const binding = node && node.type === 'Identifier' && node.binding;
  return binding && binding.init && binding.keys.length === 0 &&
    binding.writes.length === 0 ? bare(binding.init) : node;
}

/* The value that an object literal has for a name, or null. */
function property(object, name) {
  object = literalOf(object);
  if (!object || object.type !== 'ObjectExpression')
    return null;
  for (const one of object.properties)
    if (one.type === 'Property' && keyName(one) === name)
      return one.value;
  return null;
}

const hasSpread = (object) => object.properties.some(
  (one) => one.type === 'SpreadElement');

/* The nearest function, class member or program around a node. */
function functionAround(node) {
  for (let up = node.parent; up; up = up.parent)
    if (FUNCTIONS.has(up.type) || up.type === 'Program')
      return up;
  return null;
}

/* The nearest loop around a node within its own function, or null. */
function loopAround(node) {
  for (let up = node, of = node.parent; of; up = of, of = of.parent) {
    if (FUNCTIONS.has(of.type))
      return null;
    if (LOOPS.has(of.type) && up !== of.init && up !== of.right)
      return of;
  }
  return null;
}

/* The words of a name: apiKey, API_KEY and api-key are all api, key. */
function wordsOf(name) {
  const words = [];
  let word = '';
  for (let i = 0; i < name.length && i < 128; i++) {
    const c = name[i];
    const isUpper = c >= 'A' && c <= 'Z';
    const isWordChar = isUpper || (c >= 'a' && c <= 'z') ||
      (c >= '0' && c <= '9');
    const before = name[i - 1] || '';
    const startsWord = isUpper && (before < 'A' || before > 'Z' ||
      (name[i + 1] >= 'a' && name[i + 1] <= 'z'));
    if ((!isWordChar || startsWord) && word) {
      words.push(word.toLowerCase());
      word = '';
    }
    if (isWordChar)
      word += c;
  }
  if (word)
    words.push(word.toLowerCase());
  return words;
}

module.exports = { eachChild, walk, walkOwn, isFunction, isLoop, bare, keyName,
  literalOf,
  property, hasSpread, functionAround, loopAround, wordsOf, UnknownSyntax };
