// SPDX-License-Identifier: Apache-2.0
// B01, the other side: Node's ways to threads and processes.
'use strict';
const { Worker } = require('worker_threads');
const { spawn, execFileSync, fork } = require('child_process');

function report(name, isDone) {
  console.log(`attempt ${name} ${isDone ? 'done' : 'blocked failed'}`);
}

if (process.argv[2] === 'child') {
  process.send('hello');
  process.disconnect();
} else {
  report('execFileSync', execFileSync('echo', ['x']).toString() === 'x\n');
  new Worker('require("worker_threads").parentPort.postMessage(42)',
    { eval: true }).on('message', (m) => report('worker', m === 42));
  spawn('true').on('exit', (code) => report('spawn', code === 0));
  fork(__filename, ['child']).on('message',
    (m) => report('fork', m === 'hello'));
}
