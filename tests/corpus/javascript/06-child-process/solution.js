'use strict';
const { execFile, fork, spawn, spawnSync } = require('node:child_process');
const { promisify } = require('node:util');

const run = promisify(execFile);

async function evaluate(expression) {
  const { stdout } = await run(process.execPath, ['-p', expression]);
  return stdout.trim();
}

function pipeThrough(command, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(chunks).toString()));
    child.stdin.end(input);
  });
}

function ask(question) {
  return new Promise((resolve) => {
    const child = fork(__filename, ['--answer']);
    child.once('message', (answer) => {
      child.disconnect();
      resolve(answer);
    });
    child.send(question);
  });
}

const exitOf = (script) => {
  const { status, signal } = spawnSync('/bin/sh', ['-c', script]);
  return signal ?? status;
};

if (process.argv[2] === '--answer')
  process.on('message', ({ a, b }) => process.send({ sum: a + b }));

module.exports = { evaluate, pipeThrough, ask, exitOf };
