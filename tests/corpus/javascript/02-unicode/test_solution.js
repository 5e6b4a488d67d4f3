'use strict';
const { describe, it } = require('node:test');
const assert = require('node:assert');
const { graphemes, reverse, truncate, slug, scripts, sortNames } = require('./solution');

describe('graphemes', () => {
  it('keeps families together', () => {
    assert.strictEqual(graphemes('👨‍👩‍👧 ok').length, 4);
  });
  it('reverses combined characters', () => {
    assert.strictEqual(reverse('ae\u0301b'), 'be\u0301a');
  });
  it('truncates', () => {
    console.log('→', truncate('日本語テキスト', 4));
    assert.strictEqual(truncate('日本語テキスト', 4), '日本語…');
    assert.strictEqual(truncate('short', 9), 'short');
  });
});

describe('text', () => {
  it('makes slugs', () => {
    assert.strictEqual(slug('  Crème Brûlée: 2×!'), 'creme-brulee-2');
  });
  it('knows scripts', () => {
    assert.deepStrictEqual(scripts('Да, yes'), new Set(['Latin', 'Cyrillic']));
  });
  it('sorts by locale', () => {
    assert.deepStrictEqual(sortNames(['z', 'ä', 'a'], 'de'), ['a', 'ä', 'z']);
  });
  it('folds case', () => {
    assert.strictEqual('Straße'.toUpperCase(), 'STRASSE');
  });
});
