// SPDX-License-Identifier: Apache-2.0
/*
 * A reporter for node:test (--test-reporter) that turns its events into result
 * lines.  What counts as a test is what node's own summary counts: tests and
 * subtests, not suites; a suite is a case only when it failed by itself.
 *
 * When a program that is merely run (mode=run, or a forked child) uses
 * node:test, this is the TAP reporter that Node would have used.
 */
'use strict';

const util = require('util');
const results = require('./results.cjs');

// node's summary has these as "cancelled", not as "fail".
const CANCELLED = ['cancelledByParent', 'testTimeoutFailure', 'testAborted'];

function outcomeOf(event) {
  const { details, skip, todo } = event.data;
  const error = details?.error;
  if (details?.type === 'suite') {
    const isOwn = error && error.failureType !== 'subtestsFailed';
    return event.type === 'test:fail' && isOwn ? 'error' : null;
  }
  if (skip !== undefined && skip !== false)
    return 'skipped';
  if (todo !== undefined && todo !== false)
    return 'skipped';
  if (event.type === 'test:pass')
    return 'passed';
  return CANCELLED.includes(error?.failureType) ? 'error' : 'failed';
}

function messageOf(event) {
  const { details, skip, todo } = event.data;
  const error = details?.error;
  if (error)
    return error.cause instanceof Error || typeof error.cause === 'object' ?
      util.inspect(error.cause) : String(error.cause ?? error.message);
  const reason = skip ?? todo;
  return typeof reason === 'string' ? reason : '';
}

class Names {
  #stack = [];

  /* test:start events name the parents of the test that ends later. */
  enter({ nesting, name }) {
    this.#stack.length = nesting;
    this.#stack[nesting] = name;
  }

  full({ nesting, name }) {
    return [...this.#stack.slice(0, nesting), name].join(' > ');
  }
}

module.exports = async function* reporter(source) {
  if (results.run.mode !== 'test') {
    const { tap } = require('node:test/reporters');
    yield* tap(source);
    return;
  }
  const names = new Names();
  results.run.sourceState = 'open';
  results.start();
  for await (const event of source) {
    if (event.type === 'test:start')
      names.enter(event.data);
    if (event.type === 'test:diagnostic' && /^(Error|Warning)/.test(
      event.data.message))
      results.run.lastDiagnostic = event.data.message;
    if (event.type !== 'test:pass' && event.type !== 'test:fail')
      continue;
    const outcome = outcomeOf(event);
    if (outcome)
      results.test(names.full(event.data), outcome,
        event.data.details?.duration_ms ?? 0, messageOf(event));
  }
  results.run.sourceState = 'ended';
};
