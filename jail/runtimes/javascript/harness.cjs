// SPDX-License-Identifier: Apache-2.0
/*
 * The javascript runtime's harness: runs one job inside the jail.
 *
 * It starts under the jail's filter, says it is ready on the gate, and only
 * then reads the job.  In mode=run the code becomes the main module, as in
 * `node CODE ARGS`; testmode.cjs has mode=test.
 *
 * Untrusted code shares this process; nothing here protects anything.
 */
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');

const RESULT_FD = 3;
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

/* A file of this folder as a module that is in no cache. */
function load(name) {
  const file = path.join(__dirname, `${name}.cjs`);
  const made = { exports: {} };
  require('vm').compileFunction(fs.readFileSync(file, 'utf8'),
    ['require', 'module'], { filename: file })(require, made);
  return made.exports;
}

waitAtGate();
const job = readJob();
if (job.mode === 'run') {
  fs.closeSync(RESULT_FD);
  runMain(job.code, job.args);
} else {
  load('testmode')(job, load, runMain);
}
