'use strict';

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

const graphemes = (text) => [...segmenter.segment(text)].map((s) => s.segment);

const reverse = (text) => graphemes(text).reverse().join('');

const truncate = (text, n) => {
  const all = graphemes(text);
  return all.length <= n ? text : all.slice(0, n - 1).join('') + '…';
};

const slug = (text) =>
  text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');

const scripts = (text) => {
  const found = new Set();
  for (const name of ['Latin', 'Cyrillic', 'Greek', 'Han'])
    if (new RegExp(`\\p{Script=${name}}`, 'u').test(text))
      found.add(name);
  return found;
};

const sortNames = (names, locale) =>
  [...names].sort(new Intl.Collator(locale).compare);

module.exports = { graphemes, reverse, truncate, slug, scripts, sortNames };
