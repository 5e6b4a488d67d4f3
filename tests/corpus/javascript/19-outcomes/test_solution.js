'use strict';
const { test, describe, it, before } = require('node:test');
const assert = require('node:assert');
const { Thermostat } = require('./solution');

test('heats', () => assert.strictEqual(new Thermostat().measure(10), 'heat'));

test('cools', () => assert.strictEqual(new Thermostat().measure(40), 'cool'));

test('throws something odd', () => {
  throw 'just a string';
});

test('skipped', { skip: 'no sensor' }, () => assert.fail());

test('skips itself', (t) => t.skip('not now'));

test('to do', { todo: true }, () => assert.fail('known'));

test('with subtests', async (t) => {
  await t.test('first', () => {});
  await t.test('second', () => assert.ok(false));
});

test('only good subtests', async (t) => {
  await t.test('first', () => {});
  await t.test('skipped', { skip: true }, () => {});
});

test('too slow', { timeout: 30 }, () => new Thermostat().slowly(500));

test('does not wait for its subtest', (t) => {
  t.test('left alone', () => new Thermostat().slowly(100));
});

describe('a suite', () => {
  it('works', async () => assert.strictEqual(await new Thermostat().slowly(1), 0));
});

describe('a suite that throws', () => {
  throw new Error('in the describe');
});

describe('a suite whose hook fails', () => {
  before(() => {
    throw new Error('no power');
  });
  it('never runs', () => {});
});

test('late failure', () => {
  setTimeout(() => {
    throw new Error('after its test has ended');
  }, 5);
});

test('keeps the process alive meanwhile', () => new Thermostat().slowly(60));
