'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

function startWorker(data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: data });
    let answer;
    worker.on('message', (message) => (answer = message));
    worker.on('error', reject);
    worker.on('exit', (code) => resolve({ code, answer }));
  });
}

async function countTogether(workers, times) {
  const shared = new SharedArrayBuffer(4);
  await Promise.all(Array.from({ length: workers }, () =>
    startWorker({ task: 'count', shared, times })));
  return new Int32Array(shared)[0];
}

async function sumInParallel(numbers, workers) {
  const size = Math.ceil(numbers.length / workers);
  const parts = [];
  for (let i = 0; i < numbers.length; i += size)
    parts.push(startWorker({ task: 'sum', numbers: numbers.slice(i, i + size) }));
  const done = await Promise.all(parts);
  return done.reduce((sum, { answer }) => sum + answer, 0);
}

const tasks = {
  count({ shared, times }) {
    const view = new Int32Array(shared);
    for (let i = 0; i < times; i++)
      Atomics.add(view, 0, 1);
  },
  sum({ numbers }) {
    parentPort.postMessage(numbers.reduce((a, b) => a + b, 0));
  },
  fail() {
    throw new TypeError('the worker fails');
  },
};

if (!isMainThread && tasks[workerData?.task])
  tasks[workerData.task](workerData);

module.exports = { startWorker, countTogether, sumInParallel };
