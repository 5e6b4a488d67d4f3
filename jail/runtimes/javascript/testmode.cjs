// SPDX-License-Identifier: Apache-2.0
/*
 * mode=test: the tests file becomes the main module of this same process;
 * reporter.cjs gets what node:test has to say, and a file that does not use
 * node:test is one test, its exit code.
 *
 * The closing record is written at the 'exit' event and only if node:test
 * had come to its end: a test that calls process.exit() leaves the stream
 * open, which the reader takes for an incomplete run.  (`node --test` would
 * call the same run passed.)
 *
 * Untrusted code shares this process: docs/SECURITY.md, "Honest results", says
 * what is found out about it and what is not.
 */
'use strict';

const { randomBytes } = require('crypto');
const fs = require('fs');
const Module = require('module');
const path = require('path');
const util = require('util');

const HANDOVER = Symbol.for('promptcraft.run');

/*
 * node:test's handler of uncaught exceptions throws those that belong to no
 * test, such as one at load time; Node then ends without an 'exit' event.
 * Here the exception is printed and the exit is an orderly one.
 */
function guardExceptionHandlers(run) {
  const { on } = process;
  process.on = process.addListener = function (event, listener) {
    if (event === 'unhandledRejection')
      return on.call(this, event, noteSwallowed(run, listener));
    if (event !== 'uncaughtException')
      return on.call(this, event, listener);
    const guarded = function (error, origin) {
      run.witness.hasSwallowed = true;
      try {
        return listener.call(this, error, origin);
      } catch (thrown) {
        run.isBroken = true;
        fs.writeSync(2, `Uncaught ${util.inspect(thrown)}\n`);
        return process.exit(1);
      }
    };
    guarded.listener = listener; // removeListener() finds it by this
    return on.call(this, event, guarded);
  };
}

/* The other ways to have an exception before anybody else. */
function guardOtherHandlers(run) {
  const { mayHandleErrors, witness } = run;
  for (const name of ['prependListener', 'prependOnceListener']) {
    const add = process[name];
    process[name] = function (event, listener) {
      const isError = ['uncaughtException', 'unhandledRejection']
        .includes(event);
      return add.call(this, event,
        isError ? noteSwallowed(run, listener) : listener);
    };
  }
  const set = process.setUncaughtExceptionCaptureCallback;
  process.setUncaughtExceptionCaptureCallback = function (callback) {
    return set.call(this, typeof callback !== 'function' || mayHandleErrors ?
      callback : (error) => {
        witness.hasSwallowed = true;
        return callback(error);
      });
  };
}

function noteSwallowed(run, listener) {
  const noted = function (...args) {
    run.witness.hasSwallowed = true;
    return listener.apply(this, args);
  };
  noted.listener = listener;
  return noted;
}

/* Is the file an ES module, by the rules of Node 18 and 20? */
function isEsModule(file) {
  if (!file.endsWith('.js'))
    return file.endsWith('.mjs');
  for (let at = path.dirname(file); ; at = path.dirname(at)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(at, 'package.json'), 'utf8'))
        .type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT' || at === path.dirname(at))
        return false;
    }
  }
}

/*
 * Make the text the one that is run for this file, once.  The loader of ES
 * modules has no place where to do that but the disk: there the text itself, at
 * its end, has the file put back.
 */
function substitute(file, original, text) {
  if (isEsModule(file)) {
    const name = `n${randomBytes(6).toString('hex')}`;
    const restore = () => fs.writeFileSync(file, original);
    Object.defineProperty(globalThis, name,
      { configurable: true, value: restore });
    fs.writeFileSync(file, `${text}\n;globalThis.${name}?.();`);
    process.once('exit', restore);
    return;
  }
  const load = Module._extensions['.js'];
  Module._extensions['.js'] = function (module, filename) {
    if (filename !== file)
      return load(module, filename);
    Module._extensions['.js'] = load;
    return module._compile(text.replace(/^\ufeff/, ''), filename);
  };
}

/* How a script without node:test came out. */
function scriptOutcome(run, code) {
  const { witness } = run;
  if (code !== 0)
    return ['failed', `exit code ${code}`];
  if (witness.hasLeft)
    return ['passed', ''];
  if (!witness.hasEnded || !witness.hasDrained)
    return ['error', 'the program ended the run in the middle of its tests'];
  if (witness.pending > 0)
    return ['error', 'an asynchronous function of the tests did not end'];
  if ((witness.hasSwallowed || run.hasThrown) && !run.mayHandleErrors)
    return ['error', 'an exception was taken by a handler of the program'];
  return ['passed', ''];
}

/* What the 'exit' event tells about the tests file as a whole. */
function finish(run, file, code, error) {
  const { results } = run;
  const message = error ? util.inspect(error) : run.lastDiagnostic;
  run.witness.checkIntrinsics();
  if (!run.usesNodeTest) {
    const [outcome, why] = scriptOutcome(run, code);
    results.test(file, outcome, performance.now() - run.startedAt,
      message || why, file);
    results.end();
    return;
  }
  if (run.sourceState === 'open' && !run.isBroken)
    return; // stopped in the middle: no closing record
  if (code !== 0 && !results.hasFailure)
    results.test(file, 'error', 0, message || `exit code ${code}`);
  else if (results.cases === 0)
    results.test(file, 'error', 0,
      'no tests found, or the process was ended before any');
  results.end();
}

function prepare(run, job, text, { readTests }) {
  const file = path.resolve(job.tests);
  const { witness, results } = run;
  run.plan = readTests(text);
  run.usesNodeTest = run.plan.tokens.some((t) => t.value === 'node:test');
  run.mayHandleErrors = run.plan.tokens.some((t) =>
    t.value === 'uncaughtException' || t.value === 'unhandledRejection');
  witness.constructor.pinAssertions();
  witness.watchIntrinsics(run.plan.tokens);
  if (run.usesNodeTest) {
    substitute(file, text, witness.addCanaries(text, run.plan));
    witness.watchTests();
    results.witness = witness;
    results.start(run.plan.expected.slice(0, 10000), run.plan.isOpen,
      witness.canaries);
  } else {
    substitute(file, text, witness.instrumentScript(text, run.plan));
    results.start([job.tests], false);
  }
}

/* load(name): a file of this folder, outside of any cache. */
module.exports = function runTests(job, load, runMain) {
  const results = new (load('results').Results)();
  const { Witness } = load('witness');
  const run = {
    results,
    witness: new Witness((why) => results.forged(why)),
    startedAt: performance.now(),
    hasThrown: false, // an exception that nobody caught
    isBroken: false, // ended by an exception that belongs to no test
    sourceState: 'none', // of node:test: none, open, ended
    lastDiagnostic: '',
  };
  let text, error;
  try {
    text = fs.readFileSync(job.tests, 'utf8');
  } catch (problem) {
    results.test(job.tests, 'error', 0, problem.message);
    results.end();
    process.exitCode = 1;
    return;
  }
  prepare(run, job, text, load('plan'));
  globalThis[HANDOVER] = run;
  require('./reporter.cjs');
  process.on('uncaughtExceptionMonitor', (thrown) => {
    error = thrown;
    run.hasThrown = true;
  });
  process.on('beforeExit', () => {
    run.witness.hasDrained = true;
  });
  process.on('exit', (code) => {
    finish(run, job.tests, code, error);
    if (results.hasFailure)
      process.exitCode = 1;
  });
  guardExceptionHandlers(run);
  guardOtherHandlers(run);
  runMain(job.tests, job.args);
};
