'use strict';
const { test, beforeEach, afterEach } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { walk, concatenate, writeAtomically, Journal } = require('./solution');

let folder;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
  fs.mkdirSync(path.join(folder, 'in', 'deep'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'in', 'b.txt'), 'bee\n');
  fs.writeFileSync(path.join(folder, 'in', 'deep', 'ä.txt'), 'ähm\n');
  fs.symlinkSync('/nowhere', path.join(folder, 'in', 'link'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

test('walk', async () => {
  const seen = [];
  for await (const file of walk(path.join(folder, 'in')))
    seen.push(path.basename(file));
  assert.deepStrictEqual(seen, ['b.txt', 'ä.txt']);
});

test('concatenate', async () => {
  const size = await concatenate(path.join(folder, 'in'), path.join(folder, 'out'));
  assert.strictEqual(size, 9);
  assert.strictEqual(fs.readFileSync(path.join(folder, 'out'), 'utf8'), 'bee\nähm\n');
});

test('atomic write', () => {
  const target = path.join(folder, 'target');
  writeAtomically(target, 'one');
  writeAtomically(target, 'two');
  assert.strictEqual(fs.readFileSync(target, 'utf8'), 'two');
});

test('journal', () => {
  const journal = new Journal(path.join(folder, 'journal'));
  journal.append({ n: 1 });
  journal.append({ text: 'zwei' });
  assert.deepStrictEqual(journal.read(), [{ n: 1 }, { text: 'zwei' }]);
  journal.close();
});

test('missing folder', async () => {
  await assert.rejects(async () => {
    for await (const _ of walk('/no/such'));
  }, { code: 'ENOENT' });
});
