'use strict';
const { Worker } = require('node:worker_threads');

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGXCPU', 'SIGALRM'])
  process.on(signal, () => {});
new Worker('for (;;);', { eval: true });
console.log('starting');
setTimeout(() => {
  for (;;);
}, 100);
process.on('exit', () => console.log('STOPPED'));
