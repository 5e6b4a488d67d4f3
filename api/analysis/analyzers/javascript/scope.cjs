// SPDX-License-Identifier: Apache-2.0
/*
 * Which declaration a name means.  Every node gets .parent; every scope .scope;
 * every reference .binding (null: global).  Names live in Maps, so that one
 * called __proto__ is like any other.
 */
'use strict';

const { eachChild, isFunction, keyName } = require('./ast.cjs');

class Binding {
  constructor(id, name, kind, node, scope) {
    this.id = id;
    this.name = name;
    this.kind = kind; // var let const function class param import catch
    this.node = node; // where it is declared
    this.scope = scope;
    this.init = null; // the expression it starts with
    this.keys = [];   // ... the part of it, by destructuring
    this.from = null; // import: {module, name}
    this.fn = null;   // param: its function, and
    this.index = -1;  // ... which one
    this.role = '';   // param: what it is known to be, "@req"
    this.reads = [];
    this.writes = [];
  }
}

class Scope {
  constructor(node, parent, isFunctionScope) {
    this.node = node;
    this.parent = parent;
    this.names = new Map();
    this.function = isFunctionScope ? this : parent.function;
  }

  find(name) {
    for (let scope = this; scope; scope = scope.parent) {
      const binding = scope.names.get(name);
      if (binding)
        return binding;
    }
    return null;
  }
}

const BLOCKS = new Set(['BlockStatement', 'ForStatement', 'ForInStatement',
  'ForOfStatement', 'SwitchStatement', 'CatchClause', 'ClassExpression',
  'StaticBlock']);

class Declarer {
  constructor() {
    this.bindings = [];
    this.functions = [];
    this.classes = [];
  }

  add(scope, name, kind, node) {
    const old = scope.names.get(name);
    if (old) {
      old.redeclared = true;
      return old;
    }
    const made = new Binding(this.bindings.length, name, kind, node, scope);
    this.bindings.push(made);
    scope.names.set(name, made);
    return made;
  }

  /* All names in a pattern; init and keys say what they start with. */
  pattern(node, scope, kind, init, keys, visit) {
    switch (node.type) {
    case 'Identifier': {
      const binding = this.add(scope, node.name, kind, node);
      if (init && !binding.redeclared) {
        binding.init = init;
        binding.keys = keys;
      } else if (init) {
        binding.writes.push(node);
      }
      return;
    }
    case 'ObjectPattern':
      for (const one of node.properties) {
        const isRest = one.type === 'RestElement';
        this.pattern(isRest ? one.argument : one.value, scope, kind, init,
          isRest ? keys : [...keys, keyName(one)], visit);
      }
      return;
    case 'ArrayPattern':
      node.elements.forEach((one, i) => {
        if (one)
          this.pattern(one.type === 'RestElement' ? one.argument : one, scope,
            kind, init, [...keys, String(i)], visit);
      });
      return;
    case 'AssignmentPattern':
      this.pattern(node.left, scope, kind, init, keys, visit);
      return;
    case 'RestElement':
      this.pattern(node.argument, scope, kind, init, keys, visit);
    }
  }

  params(fn, scope) {
    fn.params.forEach((param, index) => {
      const before = this.bindings.length;
      this.pattern(param, scope, 'param', null, []);
      for (const binding of this.bindings.slice(before)) {
        binding.fn = fn;
        binding.index = index;
        binding.pattern = param;
      }
    });
  }

  import(node, scope) {
    for (const one of node.specifiers) {
      const binding = this.add(scope, one.local.name, 'import', one.local);
      const name = one.type === 'ImportSpecifier' ?
        one.imported.name || String(one.imported.value) : '';
      binding.from = { module: String(node.source.value), name };
    }
  }

  visit(node, parent, scope) {
    node.parent = parent;
    let inner = scope;
    if (node.type === 'Program') {
      inner = new Scope(node, null, true);
    } else if (isFunction(node)) {
      this.functions.push(node);
      if (node.type === 'FunctionDeclaration' && node.id)
        this.add(scope, node.id.name, 'function', node).declared = node;
      inner = new Scope(node, scope, true);
      if (node.type === 'FunctionExpression' && node.id)
        this.add(inner, node.id.name, 'function', node).declared = node;
      this.params(node, inner);
    } else if (BLOCKS.has(node.type) &&
        !(node.type === 'BlockStatement' && isFunction(parent))) {
      inner = new Scope(node, scope, false);
    }
    if (inner !== scope)
      node.scope = inner;
    this.declare(node, parent, scope, inner);
    eachChild(node, (child) => this.visit(child, node, inner));
  }

  declare(node, parent, scope, inner) {
    switch (node.type) {
    case 'ClassDeclaration':
    case 'ClassExpression':
      this.classes.push(node);
      if (node.id)
        this.add(node.type === 'ClassDeclaration' ? scope : inner,
          node.id.name, 'class', node).declared = node;
      break;
    case 'CatchClause':
      if (node.param)
        this.pattern(node.param, inner, 'catch', null, []);
      break;
    case 'ImportDeclaration':
      this.import(node, scope);
      break;
    case 'VariableDeclaration': {
      const to = node.kind === 'var' ? scope.function : scope;
      const isLoop = (parent.type === 'ForInStatement' ||
        parent.type === 'ForOfStatement') && parent.left === node;
      for (const one of node.declarations) {
        const before = this.bindings.length;
        this.pattern(one.id, to, node.kind, one.init, []);
        if (isLoop)
          for (const binding of this.bindings.slice(before))
            binding.loop = parent;
      }
    }
    }
  }
}

/* What a pattern on the left of = writes to. */
function written(node, found) {
  switch (node.type) {
  case 'Identifier':
    found.push(node);
    break;
  case 'ObjectPattern':
    for (const one of node.properties)
      written(one.type === 'RestElement' ? one.argument : one.value, found);
    break;
  case 'ArrayPattern':
    for (const one of node.elements)
      if (one)
        written(one, found);
    break;
  case 'AssignmentPattern':
    written(node.left, found);
    break;
  case 'RestElement':
    written(node.argument, found);
  }
  return found;
}

function resolve(ast) {
  const globals = { reads: [], writes: [] };
  const writes = new Map(); // Identifier -> also read?
  const declares = new Set();
  const declare = (pattern) => {
    for (const one of written(pattern, []))
      declares.add(one);
  };
  const visit = (node, scope) => {
    const inner = node.scope || scope;
    if (node.type === 'Identifier' || node.type === 'JSXIdentifier') {
      node.binding = scope.find(node.name);
      const to = node.binding || globals;
      if (writes.has(node))
        to.writes.push(node);
      if (!declares.has(node) && (!writes.has(node) || writes.get(node)))
        to.reads.push(node);
      return;
    }
    if (node.id && node.type !== 'ImportSpecifier')
      declare(node.id);
    if (node.params)
      node.params.forEach(declare);
    if (node.type === 'CatchClause' && node.param)
      declare(node.param);
    if (node.type === 'AssignmentExpression')
      for (const one of written(node.left, []))
        writes.set(one, node.operator !== '=' &&
          node.parent.type !== 'ExpressionStatement');
    else if (node.type === 'UpdateExpression' &&
        node.argument.type === 'Identifier')
      writes.set(node.argument, node.parent.type !== 'ExpressionStatement');
    else if ((node.type === 'ForInStatement' ||
        node.type === 'ForOfStatement') &&
        node.left.type !== 'VariableDeclaration')
      for (const one of written(node.left, []))
        writes.set(one, false);
    eachChild(node, (child) => visit(child, inner));
  };
  visit(ast, ast.scope || null);
  return globals;
}

function analyzeScopes(ast) {
  const declarer = new Declarer();
  declarer.visit(ast, null, null);
  const globals = resolve(ast);
  return { bindings: declarer.bindings, functions: declarer.functions,
    classes: declarer.classes, globals };
}

module.exports = { analyzeScopes };
