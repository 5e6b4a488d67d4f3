// SPDX-License-Identifier: Apache-2.0
/*
 * Runs ESLint's Linter with all rules of eslint-plugin-security on one file and
 * prints what ESLint's own format "json" would.  No settings are looked for:
 * neither comments in the source nor files beside it change what is looked for.
 * Usage: lint.cjs FILE.
 */
'use strict';

const fs = require('fs');

const MODULES = '/usr/lib/node_modules';
const { Linter } = require(`${MODULES}/eslint`);
const security = require(`${MODULES}/eslint-plugin-security`);

/* Warnings all: how bad a finding is, others decide. */
function rulesOf() {
  const rules = {};
  for (const name of Object.keys(security.rules))
    rules[`security/${name}`] = 'warn';
  return rules;
}

function settings(sourceType) {
  return [{
    files: ['**/*.js'],
    plugins: { security },
    linterOptions: { noInlineConfig: true },
    languageOptions: { ecmaVersion: 'latest', sourceType,
      parserOptions: { ecmaFeatures: { jsx: true, globalReturn: false } } },
    rules: rulesOf(),
  }];
}

/* What does not parse as a module may be a script. */
function lint(text) {
  const linter = new Linter({ configType: 'flat' });
  const first = linter.verify(text, settings('module'),
    { filename: 'source.js' });
  if (!first.some((one) => one.fatal))
    return first;
  const second = linter.verify(text, settings('commonjs'),
    { filename: 'source.js' });
  return second.some((one) => one.fatal) ? first : second;
}

function print(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;)
    at += fs.writeSync(1, bytes, at);
}

const file = process.argv[2];
print(`${JSON.stringify([{ filePath: file,
  messages: lint(fs.readFileSync(file, 'utf8')) }])}\n`);
