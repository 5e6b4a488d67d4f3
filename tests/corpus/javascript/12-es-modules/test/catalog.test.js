import { test, before } from 'node:test';
import assert from 'node:assert/strict';
import Catalog, { Catalog as Named } from '../src/catalog.js';

const data = new URL('../data/items.json', import.meta.url);
let catalog;

before(async () => {
  catalog = await Catalog.load(data);
});

test('one class, two names', () => assert.equal(Catalog, Named));

test('total is exact', () => assert.equal(`${catalog.total([1, 2])}`, '0.30'));

test('unknown items cost nothing', () => assert.equal(`${catalog.total([7])}`, '0.00'));

test('find', () => {
  assert.deepEqual(catalog.find((i) => /ü/.test(i.name)).map((i) => i.id), [1]);
});

test('dynamic import and JSON', async () => {
  const { Price } = await import('../src/price.js');
  assert.equal(JSON.stringify({ p: new Price(1.005) }), '{"p":"1.00"}');
});
