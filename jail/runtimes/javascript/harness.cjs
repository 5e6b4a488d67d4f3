// SPDX-License-Identifier: Apache-2.0
/*
 * The javascript runtime's harness: runs one job inside the jail.
 *
 * It starts under the jail's filter, says it is ready on the gate, and only
 * then reads the job.  In mode=run the code becomes the main module, as in
 * `node CODE ARGS`.  In mode=test the tests file becomes the main module of
 * this same process; reporter.cjs gets what node:test has to say, and a file
 * that does not use node:test is one test, its exit code.
 *
 * The closing record is written at the 'exit' event and only if node:test
 * had come to its end: a test that calls process.exit() leaves the stream
 * open, which the reader takes for an incomplete run.  (`node --test` would
 * call the same run passed.)
 *
 * Untrusted code shares this process; nothing here protects anything.
 */
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const util = require('util');
const results = require('./results.cjs');

const GATE_FD = 4;
const JOB_FILE = '/run/job';

function waitAtGate() {
  fs.writeSync(GATE_FD, 'R');
  const answer = Buffer.alloc(16);
  const length = fs.readSync(GATE_FD, answer);
  if (length !== 1 || answer[0] !== 'G'.charCodeAt(0))
    process.reallyExit(1);
  fs.closeSync(GATE_FD);
}

/* The manifest: NUL-terminated key=value strings. */
function readJob() {
  /*
   * The tests of this harness run it without a jail, where /run is not
   * theirs.  Inside a jail nobody can set this: the environment consists of
   * what the policy and runtime.ini say.
   */
  const file = process.env.PROMPTCRAFT_JOB_FILE || JOB_FILE;
  delete process.env.PROMPTCRAFT_JOB_FILE;
  const job = { args: [] };
  const fields = fs.readFileSync(file, 'utf8').split('\0').slice(0, -1);
  for (const field of fields) {
    const at = field.indexOf('=');
    const [key, value] = [field.slice(0, at), field.slice(at + 1)];
    if (key === 'arg')
      job.args.push(value);
    else
      job[key] = value;
  }
  const main = job.mode === 'test' ? job.tests : job.code;
  if (!['run', 'test'].includes(job.mode) || !main)
    throw new Error('bad manifest');
  return job;
}

/* The file as the main module, with no frame of ours below it. */
function runMain(file, args) {
  process.argv = [process.execPath, path.resolve(file), ...args];
  // What child_process.fork() hands on.
  process.execArgv = [];
  process.nextTick(Module.runMain);
}

/*
 * node:test's handler of uncaught exceptions throws those that belong to no
 * test, such as one at load time; Node then ends without an 'exit' event.
 * Here the exception is printed and the exit is an orderly one.
 */
function guardExceptionHandlers() {
  const { on } = process;
  process.on = process.addListener = function (event, listener) {
    if (event !== 'uncaughtException')
      return on.call(this, event, listener);
    const guarded = function (error, origin) {
      try {
        return listener.call(this, error, origin);
      } catch (thrown) {
        results.run.isBroken = true;
        fs.writeSync(2, `Uncaught ${util.inspect(thrown)}\n`);
        return process.exit(1);
      }
    };
    guarded.listener = listener; // removeListener() finds it by this
    return on.call(this, event, guarded);
  };
}

function usesNodeTest(file) {
  try {
    return /['"`]node:test['"`]/.test(fs.readFileSync(file, 'utf8'));
  } catch {
    return false; // the run itself will say why
  }
}

/* What the 'exit' event tells about the tests file as a whole. */
function finish(file, code, error) {
  const { run } = results;
  const message = error ? util.inspect(error) : run.lastDiagnostic;
  if (!usesNodeTest(file)) {
    results.start(1);
    results.test(file, code === 0 ? 'passed' : 'failed',
      performance.now() - run.startedAt, message || `exit code ${code}`);
    results.end();
    return;
  }
  if (run.sourceState === 'open' && !run.isBroken)
    return; // stopped in the middle: no closing record
  if (code !== 0 && !run.hasFailure)
    results.test(file, 'error', 0, message || `exit code ${code}`);
  else if (run.cases === 0)
    results.test(file, 'error', 0,
      'no tests found, or the process was ended before any');
  results.end();
}

function runTests(job) {
  let error;
  process.on('uncaughtExceptionMonitor', (thrown) => {
    error = thrown;
  });
  guardExceptionHandlers();
  results.run.mode = 'test';
  results.run.startedAt = performance.now();
  process.on('exit', (code) => {
    finish(job.tests, code, error);
    if (results.run.hasFailure)
      process.exitCode = 1;
  });
  runMain(job.tests, job.args);
}

waitAtGate();
const job = readJob();
if (job.mode === 'run') {
  fs.closeSync(results.FD);
  runMain(job.code, job.args);
} else {
  runTests(job);
}
