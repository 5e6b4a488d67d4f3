// SPDX-License-Identifier: Apache-2.0
/*
 * The value of each type of expression (flow.cjs).  Called with the Flow as
 * this; null: nothing from outside.
 */
'use strict';

const { bare, keyName, isFunction } = require('./ast.cjs');
const { pathOf, calleeName } = require('./names.cjs');
const { either, field } = require('./taint.cjs');
const { keyOf } = require('./guards.cjs');

const EXPRESSIONS = {
  __proto__: null,
  Identifier(node, env) {
    return this.valueOf(node, env);
  },
  MemberExpression(node, env) {
    const object = this.evaluate(node.object, env);
    const index = node.computed ? this.evaluate(node.property, env) : null;
    this.sinks.member(node, index, env);
    if (keyOf(node) === null)
      return object && object.isPartial ? object.with({ isPartial: false }) :
        field(object, null);
    const value = this.valueOf(node, env);
    if (value || env.map.has(keyOf(node)) || (object && object.isPartial))
      return value;
    return field(object, keyName(node));
  },
  AwaitExpression(node, env) {
    return this.evaluate(node.argument, env);
  },
  YieldExpression(node, env) {
    return this.evaluate(node.argument, env);
  },
  SpreadElement(node, env) {
    return this.evaluate(node.argument, env);
  },
  UnaryExpression(node, env) {
    this.evaluate(node.argument, env);
    return null;
  },
  UpdateExpression() {
    return null;
  },
  SequenceExpression(node, env) {
    let value = null;
    for (const one of node.expressions)
      value = this.evaluate(one, env);
    return value;
  },
  BinaryExpression(node, env) {
    const operands = [];
    let left = node;
    while (left.type === 'BinaryExpression' && left.operator === '+') {
      operands.push({ node: left.right });
      left = bare(left.left);
    }
    if (left !== node) {
      operands.push({ node: left });
      return this.joined(operands.reverse(), env);
    }
    this.evaluate(node.left, env);
    this.evaluate(node.right, env);
    return null;
  },
  TemplateLiteral(node, env) {
    const parts = [];
    node.quasis.forEach((quasi, i) => {
      parts.push({ text: quasi.value.cooked || '' });
      if (i < node.expressions.length)
        parts.push({ node: node.expressions[i] });
    });
    return this.joined(parts, env);
  },
  TaggedTemplateExpression(node, env) {
    const value = EXPRESSIONS.TemplateLiteral.call(this, node.quasi, env);
    return pathOf(node.tag) === 'String.raw' ? value : null;
  },
  LogicalExpression(node, env) {
    const left = this.evaluate(node.left, env);
    const inner = this.copy(env);
    if (node.operator !== '??')
      this.guards.assume(node.left, inner, node.operator === '&&');
    const right = this.evaluate(node.right, inner);
    env.join(inner);
    return node.operator === '&&' ? right : either(left, right);
  },
  ConditionalExpression(node, env) {
    this.evaluate(node.test, env);
    const yes = this.copy(env);
    const no = this.copy(env);
    this.guards.assume(node.test, yes, true);
    this.guards.assume(node.test, no, false);
    return either(this.evaluate(node.consequent, yes),
      this.evaluate(node.alternate, no));
  },
  ArrayExpression(node, env) {
    let value = null;
    for (const one of node.elements)
      value = either(value, this.evaluate(one, env));
    return value && value.with({ inArray: true });
  },
  ObjectExpression(node, env) {
    let value = null;
    for (const one of node.properties) {
      const own = this.evaluate(
        one.type === 'Property' ? one.value : one.argument, env);
      if (one.type === 'Property')
        this.sinks.field(one, keyName(one), own);
      value = either(value, own);
    }
    return value && value.with({ inObject: true });
  },
  AssignmentExpression(node, env) {
    let value;
    if (node.left.type === 'MemberExpression')
      this.evaluate(node.left, env);
    if (node.operator === '=')
      value = node.left.type === 'Identifier' ?
        this.declare(node.left, node.right, env) :
        this.evaluate(node.right, env);
    else if (node.operator === '+=')
      value = this.joined([{ node: node.left }, { node: node.right }], env);
    else
      value = either(this.evaluate(node.right, env),
        node.operator.length > 2 ? this.evaluate(node.left, env) : null);
    this.sinks.assignment(node, value, env);
    if (node.operator !== '=' || node.left.type !== 'Identifier')
      this.assign(node.left, value, env);
    return value;
  },
  FunctionExpression(node) {
    this.later(node);
    return null;
  },
  ArrowFunctionExpression(node) {
    this.later(node);
    return null;
  },
  ClassExpression(node, env) {
    this.evaluate(node.superClass, env);
    this.members(node, env);
    return null;
  },
  CallExpression(node, env) {
    const callee = bare(node.callee);
    const path = pathOf(callee);
    const name = calleeName(node);
    let receiver = null;
    if (callee.type === 'MemberExpression') {
      receiver = this.evaluate(callee.object, env);
      if (callee.computed)
        this.sinks.dynamicCall(node, this.evaluate(callee.property, env));
    } else if (isFunction(callee)) {
      const given = node.arguments.map((one) => this.evaluate(one, env));
      return this.enter(callee, env, given);
    } else if (callee.type !== 'Identifier') {
      this.evaluate(callee, env);
    }
    const args = node.arguments.map((one) =>
      isFunction(bare(one)) ? null : this.evaluate(one, env));
    this.sinks.call(node, path, name, receiver, args, env);
    this.callbacks(node, env, name, receiver, args);
    if ((name === 'push' || name === 'unshift' || name === 'append') &&
        callee.type === 'MemberExpression' && args.some(Boolean)) {
      const key = keyOf(callee.object);
      if (key !== null)
        env.set(key, either(env.get(key) || null, args.reduce(either)));
    }
    return this.result(node, env, path, name, receiver, args);
  },
  NewExpression(node, env) {
    const path = pathOf(node.callee);
    const args = node.arguments.map((one) =>
      isFunction(bare(one)) ? null : this.evaluate(one, env));
    this.sinks.call(node, path, calleeName(node), null, args, env);
    this.callbacks(node, env, '', null, args);
    const all = args.reduce(either, null);
    return this.passed(path, all, args);
  },
  ImportExpression(node, env) {
    this.sinks.load(node, this.evaluate(node.source, env));
    return null;
  },
  JSXElement(node, env) {
    for (const one of node.openingElement.attributes)
      if (one.type === 'JSXSpreadAttribute')
        this.evaluate(one.argument, env);
      else if (one.value)
        this.sinks.attribute(one, this.evaluate(one.value, env));
    for (const one of node.children)
      this.evaluate(one, env);
    return null;
  },
  JSXFragment(node, env) {
    for (const one of node.children)
      this.evaluate(one, env);
    return null;
  },
  JSXExpressionContainer(node, env) {
    return node.expression.type === 'JSXEmptyExpression' ? null :
      this.evaluate(node.expression, env);
  },
};

module.exports = { EXPRESSIONS };
