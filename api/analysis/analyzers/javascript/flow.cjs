// SPDX-License-Identifier: Apache-2.0
/*
 * Follows values from outside through a program: statement by statement, both
 * ways of a branch, loops twice, callbacks where they are given, functions of
 * the same file where they are called.  Sinks (sinks.cjs) are told what reaches
 * them.  The work is counted, so that a hostile program cannot make it long.
 */
'use strict';

const { bare, keyName, isFunction, walk } = require('./ast.cjs');
const { pathOf, functionOf, constantText } = require('./names.cjs');
const { NotAnalysed } = require('./parse.cjs');
const { Env, either, field, FOR } = require('./taint.cjs');
const { sourceOf, parameterSource } = require('./sources.cjs');
const { callCleans, replaceCleans } = require('./cleaners.cjs');
const { Guards, keyOf } = require('./guards.cjs');
const { STATEMENTS } = require('./statements.cjs');
const { EXPRESSIONS } = require('./expressions.cjs');

const STEPS_MAX = 3000000;
const CALL_DEPTH_MAX = 4;
const RUNS_MAX = 6; // of one function

/* What these return says nothing of what they were called on. */
const SAYS_NOTHING = new Set(['indexOf', 'includes', 'startsWith', 'endsWith',
  'test', 'search', 'charCodeAt', 'has', 'every', 'some', 'isEmpty', 'end',
  'on', 'once', 'lastIndexOf', 'localeCompare', 'codePointAt', 'getTime',
  'isValid', 'hasOwnProperty', 'save', 'equals']);
/* Calls whose result is made of their arguments. */
const PASSES = new Set(['String', 'decodeURIComponent', 'decodeURI', 'unescape',
  'atob', 'Buffer', 'Buffer.from', 'JSON.parse', '#path.join', '#path.resolve',
  '#path.normalize', '#url.parse', 'URL', '#url.URL', 'URLSearchParams',
  '#util.format', '#util.inspect', 'Object.assign', 'Object.values',
  'Object.keys', 'Object.entries', 'Object.fromEntries', 'Array.from', 'Array',
  'Object', '#querystring.parse', '#qs.parse', '#querystring.unescape',
  'structuredClone', 'Promise.resolve', 'Object.create', '#marked', 'marked',
  '#marked.parse', '#marked.marked', '#path.extname', '#path.dirname',
  'String.raw', 'Set', 'Map', '#lodash.merge', '_.merge', '#lodash.trim',
  '_.trim', '#url.format', '#url.resolve', '#util.promisify', '$.trim',
  'JSON.stringify', 'Promise.all', 'Function', '#safe-buffer.Buffer.from',
  '#buffer.Buffer.from', '$', 'jQuery', 'TextDecoder']);
const PASSING_METHODS = new Set(['concat', 'join', 'format', 'push', 'append',
  'unshift', 'sprintf', 'replace', 'replaceAll']);
const EACH = new Set(['map', 'forEach', 'filter', 'find', 'flatMap', 'some',
  'every', 'then', 'findIndex', 'sort', 'pipe']);

/* The host can no longer be chosen after scheme, host and slash. */
function isHostGiven(prefix) {
  const at = prefix.indexOf('://');
  return at < 0 ? prefix.length > 0 : prefix.indexOf('/', at + 3) > 0 ||
    prefix.indexOf('?', at + 3) > 0;
}

/* What a function has to have to make anything safe, whatever its name says. */
const WORK = new Set(['CallExpression', 'NewExpression', 'IfStatement',
  'ConditionalExpression', 'SwitchStatement', 'ThrowStatement',
  'LogicalExpression', 'UnaryExpression', 'TaggedTemplateExpression',
  'ForStatement', 'ForOfStatement', 'ForInStatement', 'WhileStatement',
  'DoWhileStatement']);

const idle = new Map(); // function -> whether it does nothing

function doesNothing(fn) {
  if (idle.has(fn))
    return idle.get(fn);
  let hasWork = false;
  walk(fn.body, (node) => {
    hasWork = hasWork || WORK.has(node.type) ||
      (node.type === 'MemberExpression' && node.computed);
  });
  idle.set(fn, !hasWork);
  return !hasWork;
}

class Flow {
  constructor(program, sinks) {
    this.program = program;
    this.sinks = sinks;
    sinks.flow = this;
    this.guards = new Guards(this);
    this.steps = 0;
    this.runs = new Map();    // function -> how often
    this.results = new Map(); // call of a function, by its arguments
    this.active = new Set();
    this.frames = [];
    this.loops = 0;
  }

  run() {
    this.body(this.program.ast, new Env());
  }

  count(more) {
    this.steps += more;
    if (this.steps > STEPS_MAX)
      throw new NotAnalysed('the program takes too long to follow');
  }

  copy(env) {
    this.count(1 + (env.map.size >> 2));
    return new Env(env);
  }

  // ---- functions -------------------------------------------------------

  /* All of a function or of the program; its result. */
  body(fn, env) {
    const frame = { result: null, later: [], exits: [], fn };
    this.frames.push(frame);
    const loops = this.loops;
    this.loops = 0;
    if (fn.type === 'Program' || fn.body.type === 'BlockStatement')
      this.block(fn.type === 'Program' ? fn.body : fn.body.body, env);
    else
      frame.result = this.evaluate(fn.body, env);
    for (const exit of frame.exits)
      env.join(exit);
    for (let i = 0; i < frame.later.length; i++)
      this.enter(frame.later[i], env, []);
    this.loops = loops;
    this.frames.pop();
    return frame.result;
  }

  /* args[i] undefined: what the parameter's role says. */
  enter(fn, env, args) {
    const runs = (this.runs.get(fn) || 0) + 1;
    if (runs > RUNS_MAX || this.active.has(fn))
      return null;
    this.runs.set(fn, runs);
    const inner = this.copy(env);
    for (const binding of this.program.roles.params.get(fn) || []) {
      const given = args[binding.index];
      let value = given;
      if (value === undefined)
        value = binding.role === '@param' ? parameterSource(binding) : null;
      if (value === null && binding.role && binding.role !== '@param')
        continue;
      const isPart = binding.pattern !== binding.node;
      inner.set(String(binding.id),
        isPart && given ? field(value, binding.name) : value);
    }
    this.active.add(fn);
    const result = this.body(fn, inner);
    this.active.delete(fn);
    for (const [key, value] of inner.map)
      if (value && env.get(key) === null)
        env.set(key, value);
    return result;
  }

  later(fn) {
    const frame = this.frames[this.frames.length - 1];
    if (!frame.later.includes(fn) && frame.later.length < 5000)
      frame.later.push(fn);
  }

  /* A function of this file is called. */
  call(fn, args, env) {
    if (this.active.size > CALL_DEPTH_MAX + 8 || !args.some(Boolean))
      return this.plainResult(fn, env);
    const key = args.map((one) => one ?
      `${one.kind}:${one.what}:${one.clean}` : '').join('|');
    let known = this.results.get(fn);
    if (!known)
      this.results.set(fn, known = new Map());
    if (!known.has(key)) {
      known.set(key, null);
      known.set(key, this.enter(fn, env, args.map((one) => one || null)));
    }
    return known.get(key);
  }

  plainResult(fn, env) {
    let known = this.results.get(fn);
    if (!known)
      this.results.set(fn, known = new Map());
    if (!known.has('')) {
      known.set('', null);
      known.set('', this.enter(fn, env, fn.params.map(() => null)));
    }
    return known.get('');
  }

  // ---- statements: true if what follows is not reached -------------------

  block(list, env) {
    for (const one of list)
      if (one.type === 'FunctionDeclaration')
        this.later(one);
    for (const one of list)
      if (this.execute(one, env))
        return true;
    return false;
  }

  execute(node, env) {
    this.count(1);
    const method = STATEMENTS[node.type];
    if (method)
      return method.call(this, node, env) === true;
    this.evaluate(node, env);
    return false;
  }

  loop(node, env, each) {
    const frame = this.frames[this.frames.length - 1];
    const times = this.loops < 2 ? 2 : 1;
    this.loops++;
    for (let i = 0; i < times; i++) {
      const inner = this.copy(env);
      const exits = frame.exits;
      frame.exits = [];
      each(inner);
      this.execute(node.body, inner);
      for (const exit of frame.exits)
        inner.join(exit);
      frame.exits = exits;
      env.join(inner);
    }
    this.loops--;
    if (node.test)
      this.guards.assume(node.test, env, false);
  }

  leave(env) {
    this.frames[this.frames.length - 1].exits.push(this.copy(env));
    return true;
  }

  // ---- values ------------------------------------------------------------

  /* What a value is by its name alone; no effect. */
  valueOf(node, env) {
    node = bare(node);
    const key = keyOf(node);
    if (key === null)
      return node.type === 'MemberExpression' ?
        field(this.valueOf(node.object, env), null) : null;
    if (env.map.has(key))
      return env.map.get(key);
    const known = env.get(key);
    if (known === null)
      return null;
    if (known === undefined) {
      const path = pathOf(node);
      if (path.includes('(') && path[0] === '@')
        return null;
      const source = sourceOf(path, node);
      if (source)
        return source;
    }
    return node.type === 'MemberExpression' ?
      this.fieldOf(node, env) : null;
  }

  fieldOf(node, env) {
    const object = this.valueOf(node.object, env);
    if (object && object.isPartial)
      return null;
    return field(object, keyName(node));
  }

  evaluate(node, env) {
    node = bare(node);
    if (!node)
      return null;
    this.count(1);
    const method = EXPRESSIONS[node.type];
    return (method && method.call(this, node, env)) || null;
  }

  /* Texts put together: parts are {node} or {text}. */
  joined(parts, env) {
    let value = null;
    let text = '';
    let prefix = '';
    let isPrefix = true;
    let isFirst = true;
    for (const part of parts) {
      const constant = part.text ?? constantText(part.node);
      if (constant !== null) {
        text += text.length < 400 ? constant : '';
        if (isPrefix)
          prefix += prefix.length < 400 ? constant : '';
        isFirst = isFirst && constant === '';
        continue;
      }
      let one = this.evaluate(part.node, env);
      if (one) {
        if (one.text)
          text += one.text;
        if (isFirst && one.prefix !== null)
          prefix = one.prefix;
        let clean = FOR.nosql;
        if (!isFirst && (!isPrefix || isHostGiven(prefix)))
          clean |= FOR.url | (prefix === '/' ? 0 : FOR.redirect);
        one = one.cleaned(clean);
      }
      value = either(value, one);
      isPrefix = false;
      isFirst = false;
    }
    return value && value.with({ text: text.slice(0, 600), prefix,
      isObject: false, isWhole: false, isPartial: false, inObject: false,
      isJoined: true });
  }

  assign(pattern, value, env) {
    switch (pattern.type) {
    case 'Identifier': {
      const key = keyOf(pattern);
      const path = value ? '' : pathOf(pattern);
      if (path[0] === '@' && !path.includes('('))
        env.map.delete(key);
      else
        env.set(key, value);
      this.count(env.map.size >> 5);
      break;
    }
    case 'MemberExpression': {
      const key = keyOf(pattern);
      this.evaluate(pattern.object, env);
      if (pattern.computed)
        this.evaluate(pattern.property, env);
      if (key !== null) {
        env.set(key, value);
      } else if (value) {
        const object = keyOf(pattern.object);
        if (object !== null)
          env.set(object, either(env.get(object) || null, value));
      }
      break;
    }
    case 'ObjectPattern':
      for (const one of pattern.properties)
        if (one.type === 'RestElement')
          this.assign(one.argument, value, env);
        else
          this.assign(one.value, field(value, keyName(one)), env);
      break;
    case 'ArrayPattern':
      for (const one of pattern.elements)
        if (one)
          this.assign(one, field(value, null), env);
      break;
    case 'AssignmentPattern':
      this.evaluate(pattern.right, env);
      this.assign(pattern.left, value, env);
      break;
    case 'RestElement':
      this.assign(pattern.argument, value, env);
    }
  }

  /* A variable that an object is given to has its fields. */
  declare(pattern, init, env) {
    const value = this.evaluate(init, env);
    this.assign(pattern, value, env);
    const object = bare(init);
    if (!object || object.type !== 'ObjectExpression' || !value ||
        pattern.type !== 'Identifier')
      return value;
    const key = keyOf(pattern);
    let isPartial = true;
    for (const one of object.properties) {
      const name = one.type === 'Property' ? keyName(one) : null;
      if (name === null)
        isPartial = false;
    }
    env.set(key, value.with({ isPartial }));
    for (const one of object.properties)
      if (isPartial && !isFunction(one.value) && one.value)
        env.set(`${key}.${keyName(one).replaceAll('.', '_')}`,
          this.evaluate(one.value, env));
    return value;
  }

  /* What a call gives back, once arguments are known and sinks are told. */
  result(node, env, path, name, receiver, args) {
    const all = args.reduce(either, null);
    if (name === 'replace' || name === 'replaceAll') {
      const regex = bare(node.arguments[0] || null);
      const text = node.arguments[1] && constantText(node.arguments[1]);
      if (receiver && regex && regex.regex)
        return receiver.cleaned(replaceCleans(regex.regex, text || ''));
    }
    const fn = functionOf(node.callee);
    const mask = fn && doesNothing(fn) ? 0 : callCleans(path, name);
    if (mask !== 0) {
      const value = either(all, receiver);
      return value && value.with({ isObject: false, isWhole: false,
        inObject: false, isPartial: false }).cleaned(mask);
    }
    if (fn)
      return this.call(fn, args, env);
    if (PASSES.has(path))
      return this.passed(path, all, args);
    if (receiver && PASSING_METHODS.has(name))
      return either(receiver, all);
    if (receiver)
      return SAYS_NOTHING.has(name) ? null : field(receiver, null);
    if (all && (name === 'join' || name === 'concat' || name === 'format') &&
        path[0] !== '#')
      return all;
    const source = sourceOf(pathOf(node), node);
    return source || (name === 'then' ? node.given || null : null);
  }

  passed(path, all, args) {
    if (!all || !PASSES.has(path))
      return null;
    if (path === '#path.join' || path === '#path.resolve')
      return all.with({ isObject: false, isWhole: false, isJoined: true,
        inObject: false, isFirst: Boolean(args[0]) })
        .cleaned(FOR.nosql | FOR.url | FOR.redirect);
    if (path === 'JSON.parse')
      return all.with({ isObject: true, clean: all.clean & ~FOR.nosql });
    if (path === 'decodeURIComponent' || path === 'unescape')
      return all.with({ clean: 0 });
    if (path === 'JSON.stringify')
      return all.with({ isObject: false, isWhole: false, inObject: false })
        .cleaned(FOR.nosql | FOR.log | FOR.header);
    return all;
  }

  members(node, env) {
    for (const one of node.body.body)
      if (one.type === 'StaticBlock')
        this.block(one.body, this.copy(env));
      else if (one.value)
        this.evaluate(one.value, env);
  }

  /* Functions among a call's arguments run with what the call gives them. */
  callbacks(node, env, name, receiver, args) {
    const each = EACH.has(name) ? receiver : null;
    for (const one of node.arguments) {
      const given = bare(one);
      const fn = isFunction(given) ? given : null;
      if (!fn)
        continue;
      const values = fn.params.map(() => null);
      const own = this.program.roles.params.get(fn) || [];
      if (each && values.length > 0)
        values[name === 'reduce' ? 1 : 0] = field(each, null);
      const result = this.enter(fn, env,
        own.some((binding) => binding.role) ? [] : values);
      if (name === 'then' || (each && (name === 'map' || name === 'flatMap')))
        node.given = result;
    }
    return args;
  }
}

module.exports = { Flow };
