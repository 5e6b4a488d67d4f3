// SPDX-License-Identifier: Apache-2.0
/*
 * A reporter for node:test (--test-reporter) that turns its events into result
 * lines.  What counts as a test is what node's own summary counts: tests and
 * subtests, not suites; a suite is a case only when it failed by itself.
 *
 * testmode.cjs loads it before the job's code and hands it the run; there is
 * nothing in its exports to hold on to.  When a program that is merely run
 * (mode=run, or a forked child) uses node:test, this is the TAP reporter that
 * Node would have used.
 */
'use strict';

const util = require('util');

const HANDOVER = Symbol.for('promptcraft.run');
const run = globalThis[HANDOVER] ?? null;
delete globalThis[HANDOVER];

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

function report(name, event) {
  if (run.results.isCanary(name)) {
    const { skip } = event.data;
    run.results.canary(name, skip !== undefined && skip !== false ? 'skipped' :
      event.type === 'test:pass' ? 'passed' : 'failed');
    return;
  }
  let outcome = outcomeOf(event);
  let message = messageOf(event);
  if (outcome === 'skipped' && !run.plan.maySkip(name)) {
    outcome = 'error';
    message = `skipped by something else than the tests file: ${message}`;
  }
  if (outcome)
    run.results.test(name, outcome, event.data.details?.duration_ms ?? 0,
      message, run.plan.isKnown(name) ? name : null);
}

module.exports = async function* reporter(source) {
  if (!run) {
    const { tap } = require('node:test/reporters');
    yield* tap(source);
    return;
  }
  const names = new Names();
  run.sourceState = 'open';
  for await (const event of source) {
    if (event.type === 'test:start')
      names.enter(event.data);
    if (event.type === 'test:diagnostic' && /^(Error|Warning)/.test(
      event.data.message))
      run.lastDiagnostic = event.data.message;
    if (event.type === 'test:pass' || event.type === 'test:fail')
      report(names.full(event.data), event);
  }
  run.sourceState = 'ended';
};
