// SPDX-License-Identifier: Apache-2.0
/*
 * What each type of statement does to what variables hold (flow.cjs).  Called
 * with the Flow as this; true: what follows is not reached.
 */
'use strict';

const { bare, isFunction } = require('./ast.cjs');
const { pathOf, calleeName, constantText } = require('./names.cjs');
const { either, field, ALL } = require('./taint.cjs');

const STATEMENTS = {
  __proto__: null,
  ExpressionStatement(node, env) {
    this.evaluate(node.expression, env);
    const call = bare(node.expression);
    if (call.type === 'CallExpression' && /^(assert|ensure|validate)/
      .test(calleeName(call)) && calleeName(call) !== 'assert')
      for (const one of call.arguments)
        this.guards.prove(one, env, ALL);
    return call.type === 'CallExpression' && pathOf(call) === 'process.exit()';
  },
  BlockStatement(node, env) {
    return this.block(node.body, env);
  },
  StaticBlock(node, env) {
    return this.block(node.body, env);
  },
  FunctionDeclaration() {
    return false;
  },
  VariableDeclaration(node, env) {
    for (const one of node.declarations)
      if (one.init)
        this.declare(one.id, one.init, env);
  },
  ReturnStatement(node, env) {
    const frame = this.frames[this.frames.length - 1];
    if (node.argument)
      frame.result = either(frame.result, this.evaluate(node.argument, env));
    return true;
  },
  ThrowStatement(node, env) {
    this.evaluate(node.argument, env);
    return true;
  },
  BreakStatement(node, env) {
    return this.leave(env);
  },
  ContinueStatement(node, env) {
    return this.leave(env);
  },
  LabeledStatement(node, env) {
    return this.execute(node.body, env);
  },
  WithStatement(node, env) {
    this.evaluate(node.object, env);
    return this.execute(node.body, env);
  },
  IfStatement(node, env) {
    this.evaluate(node.test, env);
    const yes = this.copy(env);
    const no = this.copy(env);
    this.guards.assume(node.test, yes, true);
    this.guards.assume(node.test, no, false);
    const leaves = this.execute(node.consequent, yes);
    const leavesElse = node.alternate ? this.execute(node.alternate, no) :
      false;
    if (leaves && leavesElse)
      return true;
    env.map = leaves ? no.map : leavesElse ? yes.map : yes.join(no).map;
    this.count(env.map.size >> 2);
    return false;
  },
  SwitchStatement(node, env) {
    this.evaluate(node.discriminant, env);
    const frame = this.frames[this.frames.length - 1];
    const exits = frame.exits;
    frame.exits = [];
    let through = null;
    for (const one of node.cases) {
      const inner = this.copy(env);
      if (one.test && constantText(one.test) !== null && !through)
        this.guards.prove(node.discriminant, inner, ALL);
      if (through)
        inner.join(through);
      through = this.block(one.consequent, inner) ? null : inner;
    }
    if (through)
      env.join(through);
    for (const exit of frame.exits)
      env.join(exit);
    frame.exits = exits;
  },
  TryStatement(node, env) {
    const before = this.copy(env);
    const leaves = this.execute(node.block, env);
    let caught = true;
    if (node.handler) {
      const inner = this.copy(before.join(env));
      caught = this.execute(node.handler.body, inner);
      if (leaves)
        env.map = inner.map;
      else if (!caught)
        env.join(inner);
    }
    if (node.finalizer && this.execute(node.finalizer, env))
      return true;
    return leaves && caught;
  },
  ForStatement(node, env) {
    if (node.init)
      this.execute(node.init, env);
    this.loop(node, env, (inner) => {
      this.evaluate(node.test, inner);
      if (node.test)
        this.guards.assume(node.test, inner, true);
      this.evaluate(node.update, inner);
    });
  },
  WhileStatement(node, env) {
    this.loop(node, env, (inner) => {
      this.evaluate(node.test, inner);
      this.guards.assume(node.test, inner, true);
    });
  },
  DoWhileStatement(node, env) {
    this.loop(node, env, () => {});
    this.evaluate(node.test, env);
  },
  ForOfStatement(node, env) {
    const value = field(this.evaluate(node.right, env), null);
    const to = node.left.type === 'VariableDeclaration' ?
      node.left.declarations[0].id : node.left;
    this.loop(node, env, (inner) => this.assign(to, value, inner));
  },
  ForInStatement(node, env) {
    STATEMENTS.ForOfStatement.call(this, node, env);
  },
  ClassDeclaration(node, env) {
    this.evaluate(node.superClass, env);
    this.members(node, env);
  },
  ExportNamedDeclaration(node, env) {
    if (node.declaration) {
      if (node.declaration.type === 'FunctionDeclaration')
        this.later(node.declaration);
      this.execute(node.declaration, env);
    }
  },
  ExportDefaultDeclaration(node, env) {
    if (isFunction(node.declaration))
      this.later(node.declaration);
    else
      this.execute(node.declaration, env);
  },
};

module.exports = { STATEMENTS };
