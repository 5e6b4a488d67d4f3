// SPDX-License-Identifier: Apache-2.0
/*
 * What the parameters of functions are: requests and responses of handlers,
 * messages, data of a socket, and "@param": of a function that others call from
 * outside this file.  Names decide where nothing else does, because handlers
 * are mostly in other files than the routes that use them.
 */
'use strict';

const { bare, keyName } = require('./ast.cjs');
const { pathOf, calleeName, functionOf, lastName } = require('./names.cjs');

const ROUTE_CALLS = new Set(['get', 'post', 'put', 'delete', 'patch', 'all',
  'use', 'options', 'head']);
const ROUTERS = new Set(['app', 'router', 'server', 'api', 'fastify',
  'routes']);
const BY_NAME = new Map(Object.entries({
  req: '@req', request: '@req', res: '@res', response: '@res', reply: '@res',
  ctx: '@ctx',
}));

function paramName(param) {
  if (param.type === 'AssignmentPattern')
    param = param.left;
  return param.type === 'Identifier' ? param.name : '';
}


class Roles {
  constructor(scopes) {
    this.params = new Map(); // function -> bindings of its parameters
    for (const one of scopes.bindings)
      if (one.fn) {
        if (!this.params.has(one.fn))
          this.params.set(one.fn, []);
        this.params.get(one.fn).push(one);
      }
    this.handlers = new Set();
  }

  /* A part taken out of the parameter by a pattern keeps its name. */
  give(fn, index, role) {
    for (const one of this.params.get(fn) || [])
      if (one.index === index && !one.role) {
        one.role = role;
        one.pathTail = patternTail(one);
      }
  }

  handler(fn) {
    if (!fn || fn.params.length === 0)
      return;
    this.handlers.add(fn);
    const first = fn.params.length === 4 ? 1 : 0;
    const name = paramName(fn.params[first]);
    if (['ctx', 'context', 'c'].includes(name)) {
      this.give(fn, first, '@ctx');
      return;
    }
    if (name.startsWith('err') || name === '_err')
      return;
    this.give(fn, first, '@req');
    if (fn.params.length > first + 1)
      this.give(fn, first + 1, '@res');
  }

  byName(fn) {
    fn.params.forEach((param, index) => {
      const role = BY_NAME.get(paramName(param).replace('_', ''));
      if (!role)
        return;
      if (role === '@res' && !fn.params.some((other) =>
        BY_NAME.get(paramName(other)) === '@req'))
        return;
      this.give(fn, index, role);
      if (role === '@req' && fn.params.length > 1 || role === '@ctx')
        this.handlers.add(fn);
    });
  }

  call(call) {
    const callee = bare(call.callee);
    if (callee.type !== 'MemberExpression')
      return this.plainCall(call);
    const name = keyName(callee);
    const object = lastName(pathOf(callee.object)).replace('()', '')
      .replace('%', '').toLowerCase();
    const first = call.arguments[0];
    if (ROUTE_CALLS.has(name) && call.arguments.length > 0 &&
        (ROUTERS.has(object) || object === 'express' || object === 'route' ||
        (first.type === 'Literal' && String(first.value).startsWith('/') &&
        call.arguments.length > 1 && object !== 'axios'))) {
      for (const one of call.arguments)
        for (const fn of one.type === 'ArrayExpression' ? one.elements : [one])
          this.handler(functionOf(fn));
      return;
    }
    const path = pathOf(callee);
    if (path.endsWith('createServer'))
      this.handler(functionOf(call.arguments[call.arguments.length - 1]));
    if (name === 'addEventListener' || name === 'on')
      this.listener(call, object, first);
    if (name === 'question')
      this.give(functionOf(call.arguments[1]), 0, '@stdin');
  }

  plainCall(call) {
    const name = calleeName(call);
    if (name === 'createServer')
      this.handler(functionOf(call.arguments[call.arguments.length - 1]));
    if (name === 'addEventListener')
      this.listener(call, 'window', call.arguments[0]);
  }

  listener(call, object, first) {
    const fn = functionOf(call.arguments[1]);
    if (!fn || !first || first.type !== 'Literal')
      return;
    if (calleeName(call) === 'addEventListener') {
      if (first.value === 'message')
        this.give(fn, 0, '@message');
    } else if (object === 'stdin') {
      this.give(fn, 0, '@stdin');
    } else if (first.value === 'data' && (object === '@req' ||
        object === 'req' || object === 'request')) {
      this.give(fn, 0, '@data');
    } else if (['socket', 'ws', 'client', 'conn', 'connection']
      .includes(object) && !['error', 'close', 'connect', 'disconnect',
      'connection', 'open', 'drain', 'end', 'ready']
      .includes(first.value)) {
      this.give(fn, 0, '@data');
    }
  }

  /* The entry of a cloud function. */
  lambda(fn, name) {
    const first = fn.params[0] ? paramName(fn.params[0]) : '';
    if ((name === 'handler' || first === 'event' || first === '_event') &&
        BY_NAME.get(first) === undefined && fn.params.length < 4)
      this.give(fn, 0, '@event');
  }

  assignment(node) {
    const fn = functionOf(node.right);
    if (!fn || node.left.type !== 'MemberExpression')
      return;
    const name = keyName(node.left);
    if (name === 'onmessage')
      this.give(fn, 0, '@message');
    if (['exports', 'module.exports'].includes(pathOf(node.left.object)))
      this.lambda(fn, name);
  }
}

/* "a.b" for the name that {a: {b}} takes, "" for the parameter itself. */
function patternTail(binding) {
  const find = (pattern, keys) => {
    switch (pattern.type) {
    case 'Identifier':
      return pattern === binding.node ? keys : null;
    case 'AssignmentPattern':
      return find(pattern.left, keys);
    case 'ObjectPattern':
      for (const one of pattern.properties) {
        const found = one.type === 'RestElement' ? find(one.argument, keys) :
          find(one.value, [...keys, keyName(one) ?? '[]']);
        if (found)
          return found;
      }
      return null;
    case 'ArrayPattern':
      for (const one of pattern.elements) {
        const found = one && find(one, [...keys, '[]']);
        if (found)
          return found;
      }
      return null;
    case 'RestElement':
      return find(pattern.argument, keys);
    default:
      return null;
    }
  };
  return (find(binding.pattern, []) || []).join('.');
}

/* Given to a call, or called here: its arguments are known where it is called. */
function isLocal(fn, called) {
  const parent = fn.parent;
  if (called.has(fn))
    return true;
  if (parent.type === 'CallExpression' || parent.type === 'NewExpression')
    return true;
  return parent.type === 'Property' && parent.parent.parent &&
    parent.parent.parent.type === 'CallExpression';
}

function assignRoles(scopes, nodes) {
  const roles = new Roles(scopes);
  for (const call of nodes.get('CallExpression') || [])
    roles.call(call);
  for (const one of nodes.get('AssignmentExpression') || [])
    roles.assignment(one);
  for (const one of nodes.get('ExportNamedDeclaration') || [])
    for (const own of one.declaration && one.declaration.declarations || [])
      if (own.init && functionOf(own.init))
        roles.lambda(functionOf(own.init), own.id.name || '');
  for (const fn of scopes.functions)
    roles.byName(fn);
  const called = new Set();
  for (const call of nodes.get('CallExpression') || []) {
    const fn = functionOf(call.callee);
    if (fn)
      called.add(fn);
    for (const one of call.arguments)
      if (one.type === 'Identifier' && functionOf(one))
        called.add(functionOf(one));
  }
  for (const fn of scopes.functions)
    if (!isLocal(fn, called))
      fn.params.forEach((param, index) => roles.give(fn, index, '@param'));
  return roles;
}

module.exports = { assignRoles };
