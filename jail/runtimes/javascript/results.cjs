// SPDX-License-Identifier: Apache-2.0
/*
 * The result stream of the javascript harness: one JSON object a line on fd 3,
 * bounded in number and size, valid UTF-8 without control characters.
 * harness.cjs and reporter.cjs share the one `run` below.
 */
'use strict';

const fs = require('fs');

// Taken now: the program may replace what everybody else sees.
const { writeSync } = fs;
const { stringify } = JSON;

const FD = 3;
const NAME_MAX = 256;
const MESSAGE_MAX = 4096;
const CASES_MAX = 10000;
// Below the 8 MiB that a client keeps of the result stream.
const BYTES_MAX = 6 << 20;

const COUNT_OF = {
  passed: 'passed', failed: 'failed', error: 'errors', skipped: 'skipped',
};

const run = {
  mode: 'run',
  startedAt: 0,
  cases: 0,
  bytes: 0,
  isStarted: false,
  isFull: false,
  hasFailure: false,
  isBroken: false, // ended by an exception that belongs to no test
  sourceState: 'none', // of node:test: none, open, ended
  lastDiagnostic: '',
  counts: { passed: 0, failed: 0, errors: 0, skipped: 0 },
};

/* Valid UTF-8 of at most max bytes, without control characters. */
function clean(text, max) {
  const data = Buffer.from(String(text).slice(0, 64 * max)
    // eslint-disable-next-line no-control-regex
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, '\ufffd'));
  if (data.length <= max)
    return data.toString();
  // Cut in the middle; halves of a character at the cuts go too.
  const mark = max >= 1024 ? '\n...\n' : '...';
  const head = max - (max >> 2) - 8;
  const tail = max - head - 8 - mark.length;
  return data.subarray(0, head).toString().replace(/\ufffd+$/, '') + mark +
    data.subarray(data.length - tail).toString().replace(/^\ufffd+/, '');
}

function write(record) {
  let line = Buffer.from(stringify(record) + '\n');
  run.bytes += line.length;
  while (line.length > 0)
    line = line.subarray(writeSync(FD, line));
}

function start(expected = null) {
  if (run.isStarted)
    return;
  run.isStarted = true;
  write({ type: 'start', expected });
}

function test(name, outcome, durationMs, message = '') {
  if (run.isFull)
    return;
  start();
  if (run.cases >= CASES_MAX || run.bytes > BYTES_MAX) {
    run.isFull = true;
    [name, outcome, durationMs] = ['(harness)', 'error', 0];
    message = `only the first ${run.cases} tests are reported`;
  }
  run.cases++;
  run.counts[COUNT_OF[outcome]]++;
  run.hasFailure ||= outcome === 'failed' || outcome === 'error';
  write({
    type: 'test',
    test: clean(name, NAME_MAX),
    outcome,
    duration_ms: Math.round(durationMs * 1000) / 1000 || 0,
    message: outcome === 'passed' ? '' : clean(message, MESSAGE_MAX),
  });
}

function end() {
  start();
  write({ type: 'end', ...run.counts });
}

module.exports = { FD, run, start, test, end };
