// SPDX-License-Identifier: Apache-2.0
/*
 * What an expression is called, whatever the program names it: a path of names
 * whose first part says where it comes from.
 *
 *   #child_process.exec   of a module, by require, import, alias, destructuring
 *   #express()            what a call returns
 *   @req.query            of a parameter whose role is known (roles.cjs)
 *   %db.query             of a variable that is not followed
 *   document.cookie       of a global
 */
'use strict';

const { bare, keyName } = require('./ast.cjs');

const PATH_MAX = 160;
const DEPTH_MAX = 12;
/* Other names of the global object. */
const GLOBALS = new Set(['window', 'globalThis', 'self', 'global', 'top',
  'parent', 'frames']);

function moduleName(name) {
  name = String(name);
  if (name.startsWith('node:'))
    name = name.slice(5);
  return `#${name === 'fs/promises' ? 'fs.promises' : name}`;
}

function isRequire(call) {
  const callee = bare(call.callee);
  return callee.type === 'Identifier' && callee.name === 'require' &&
    !callee.binding && call.arguments.length === 1 &&
    call.arguments[0].type === 'Literal';
}

function member(object, name) {
  if (object === '')
    return '';
  if (name === 'default' && object[0] === '#')
    return object;
  if (GLOBALS.has(object) && object !== 'parent' && object !== 'top' ||
      (object === 'document' && name === 'location'))
    return name;
  return object.length > PATH_MAX ? '' : `${object}.${name}`;
}

/* A variable that is written once is what it was written with. */
function single(binding) {
  return binding.init && !binding.loop && !binding.redeclared &&
    (binding.kind === 'const' || binding.writes.length === 0) ?
    binding.init : null;
}

function bindingPath(binding, depth) {
  if (binding.role)
    return binding.pathTail ? `${binding.role}.${binding.pathTail}` :
      binding.role;
  if (binding.from)
    return binding.from.name ?
      member(moduleName(binding.from.module), binding.from.name) :
      moduleName(binding.from.module);
  let init = single(binding);
  if (!init && binding.writes.length === 1 && !binding.init) {
    const parent = binding.writes[0].parent;
    if (parent.type === 'AssignmentExpression' && parent.operator === '=' &&
        parent.left === binding.writes[0])
      init = parent.right;
  }
  if (!init || binding.isResolving)
    return `%${binding.name}`;
  binding.isResolving = true;
  let path = pathOf(init, depth + 1);
  binding.isResolving = false;
  for (const key of binding.keys)
    path = key === null ? '' : member(path, key);
  return path || `%${binding.name}`;
}

function callPath(node, depth) {
  if (node.type === 'CallExpression' && isRequire(node))
    return moduleName(node.arguments[0].value);
  const callee = pathOf(node.callee, depth + 1);
  if (callee === '#util.promisify' && node.arguments.length > 0)
    return pathOf(node.arguments[0], depth + 1);
  return callee === '' || callee.length > PATH_MAX ? '' : `${callee}()`;
}

function pathOf(node, depth = 0) {
  node = bare(node);
  if (!node || depth > DEPTH_MAX)
    return '';
  if (node.path !== undefined)
    return node.path;
  const path = makePath(node, depth);
  if (depth === 0)
    node.path = path;
  return path;
}

function makePath(node, depth) {
  switch (node.type) {
  case 'Identifier':
    return node.binding ? bindingPath(node.binding, depth) : node.name;
  case 'ThisExpression':
    return 'this';
  case 'MemberExpression':
    return member(pathOf(node.object, depth + 1), keyName(node) ?? '[]');
  case 'CallExpression':
  case 'NewExpression':
    return callPath(node, depth);
  case 'AwaitExpression':
    return pathOf(node.argument, depth + 1);
  case 'AssignmentExpression':
    return pathOf(node.right, depth + 1);
  case 'LogicalExpression':
    return pathOf(node.left, depth + 1) || pathOf(node.right, depth + 1);
  case 'ImportExpression':
    return node.source.type === 'Literal' ? moduleName(node.source.value) : '';
  default:
    return '';
  }
}

/* The last name of a path: exec of #child_process.exec. */
function lastName(path) {
  const at = path.lastIndexOf('.');
  return at < 0 ? path : path.slice(at + 1);
}

/* The name that a call is made by, "" if none. */
function calleeName(call) {
  const callee = bare(call.callee);
  if (callee.type === 'Identifier')
    return callee.name;
  return callee.type === 'MemberExpression' ? keyName(callee) || '' : '';
}

/* The function that an expression certainly means, or null. */
function functionOf(node, depth = 0) {
  node = bare(node);
  if (!node || depth > 4)
    return null;
  if (node.type === 'FunctionExpression' ||
      node.type === 'ArrowFunctionExpression')
    return node;
  if (node.type !== 'Identifier' || !node.binding)
    return null;
  const binding = node.binding;
  if (binding.declared)
    return binding.declared.body && binding.declared.params &&
      binding.writes.length === 0 ? binding.declared : null;
  const init = single(binding);
  return init && binding.keys.length === 0 ?
    functionOf(init, depth + 1) : null;
}

/* The text that an expression certainly is, or null. */
function constantText(node, depth = 0) {
  node = bare(node);
  if (!node || depth > DEPTH_MAX)
    return null;
  switch (node.type) {
  case 'Literal':
    return typeof node.value === 'string' ? node.value :
      typeof node.value === 'number' ? String(node.value) : null;
  case 'TemplateLiteral':
    if (node.expressions.length > 0)
      return null;
    return node.quasis[0].value.cooked;
  case 'BinaryExpression': {
    if (node.operator !== '+')
      return null;
    const left = constantText(node.left, depth + 1);
    const right = left === null ? null : constantText(node.right, depth + 1);
    return right === null || left.length + right.length > 4096 ? null :
      left + right;
  }
  case 'Identifier': {
    const init = node.binding && node.binding.keys.length === 0 ?
      single(node.binding) : null;
    return init && init !== node ? constantText(init, depth + 1) : null;
  }
  default:
    return null;
  }
}

/* Every part is written in the program: nothing of it comes from outside. */
function isConstant(node, depth = 0) {
  node = bare(node);
  if (!node || depth > DEPTH_MAX)
    return false;
  switch (node.type) {
  case 'Literal':
    return true;
  case 'TemplateLiteral':
    return node.expressions.every((one) => isConstant(one, depth + 1));
  case 'BinaryExpression':
  case 'LogicalExpression':
    return isConstant(node.left, depth + 1) &&
      isConstant(node.right, depth + 1);
  case 'ConditionalExpression':
    return isConstant(node.consequent, depth + 1) &&
      isConstant(node.alternate, depth + 1);
  case 'UnaryExpression':
    return isConstant(node.argument, depth + 1);
  case 'ArrayExpression':
    return node.elements.every((one) => !one || isConstant(one, depth + 1));
  case 'ObjectExpression':
    return node.properties.every((one) => one.type === 'Property' &&
      isConstant(one.value, depth + 1));
  case 'MemberExpression':
    return isConstant(node.object, depth + 1);
  case 'Identifier': {
    if (!node.binding)
      return ['undefined', 'NaN', 'Infinity', '__dirname', '__filename']
        .includes(node.name);
    const init = single(node.binding);
    return Boolean(init) && isConstant(init, depth + 1);
  }
  case 'CallExpression': {
    const name = calleeName(node);
    return ['join', 'concat', 'resolve', 'trim', 'keys', 'cwd'].includes(name) &&
      node.arguments.every((one) => isConstant(one, depth + 1)) &&
      (node.callee.type !== 'MemberExpression' ||
        isConstant(node.callee.object, depth + 1) ||
        ['#path', 'Object', 'process'].includes(pathOf(node.callee.object)));
  }
  default:
    return false;
  }
}

module.exports = { pathOf, lastName, calleeName, functionOf, constantText,
  isConstant, single };
