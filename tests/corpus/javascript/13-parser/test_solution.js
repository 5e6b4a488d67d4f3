'use strict';
const { describe, it } = require('node:test');
const assert = require('node:assert/strict');
const { parse } = require('./solution');

const same = (text) => assert.deepEqual(parse(text), JSON.parse(text));

describe('parse', () => {
  describe('scalars', () => {
    it('words', () => ['true', 'false', 'null'].forEach(same));
    it('numbers', () => ['0', '-12', '3.25'].forEach(same));
    it('exponents', () => same('1e3'));
    it('strings', () => same('"grüße"'));
    it('escapes', () => same('"a\\nb"'));
  });
  describe('containers', () => {
    it('arrays', () => same('[1, [2, []], "x"]'));
    it('objects', () => same('{"a": {"b": [true, null]}, "c": -1}'));
    it('nothing inside', () => same(' { } '));
  });
  describe('errors', () => {
    it('says where', () => assert.throws(() => parse('[1 2]'), /expected , at 3/));
    it('trailing', () => assert.throws(() => parse('1 1'), SyntaxError));
  });
});
