// SPDX-License-Identifier: Apache-2.0
/*
 * Looks for weaknesses in one JavaScript file and prints them as one JSON
 * object (api/analysis/read_own.c has the form).  Usage: analyze.cjs FILE.
 *
 * The file is hostile and is never run.  Whatever stops the analysis, from a
 * syntax error to a stack that is too deep, is printed as not analysed.
 */
'use strict';

const fs = require('fs');
const { parse, NotAnalysed } = require('./parse.cjs');
const { Program } = require('./program.cjs');

const VERSION = '1.0';

function analyze(file) {
  try {
    const program = new Program(parse(fs.readFileSync(file)));
    return { format: 1, status: 'ok', version: VERSION, ...program.findings() };
  } catch (error) {
    let reason = 'the analyzer failed';
    if (error instanceof NotAnalysed)
      reason = error.message;
    else if (error instanceof RangeError)
      reason = 'the source is nested too deeply';
    else if (error.name === 'UnknownSyntax' || error.at !== undefined)
      reason = error.message;
    else
      process.stderr.write(`${error.stack}\n`);
    return { format: 1, status: 'not_analysed', reason, version: VERSION,
      findings: [] };
  }
}

function print(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;)
    at += fs.writeSync(1, bytes, at);
}

print(`${JSON.stringify(analyze(process.argv[2]))}\n`);
