// SPDX-License-Identifier: Apache-2.0
/*
 * How much the JavaScript analyzer finds, and how much too much, beside ESLint
 * with eslint-plugin-security (all of its rules).
 *
 *   node --stack-size=3600 javascript.cjs labelled DIR [NODE_MODULES]
 *   node --stack-size=3600 javascript.cjs clean DIR [NODE_MODULES]
 *   node --stack-size=3600 javascript.cjs listed DIR [NODE_MODULES]
 *
 * labelled: programs that say by a comment what the next line is ("ruleid:" a
 * weakness, "ok:" none), as the tests of semgrep-rules do; only of rules that
 * are about security.  clean: programs of others, where findings are counted
 * for each 1,000 lines.  listed: the lines of javascript-apps.txt, and how many
 * findings the same files have besides.  NODE_MODULES is where ESLint and its plugin are.
 * -v before the first word prints what was missed and what was too much.
 */
'use strict';

const fs = require('fs');
const path = require('path');

const HERE = path.resolve(__dirname, '../../../api/analysis');
const { parse } = require(`${HERE}/analyzers/javascript/parse.cjs`);
const { Program } = require(`${HERE}/analyzers/javascript/program.cjs`);

const args = process.argv.slice(2);
const isVerbose = args[0] === '-v' && Boolean(args.shift());
const [mode, root, modules] = args;

function securityRules() {
  const folder = `${HERE}/rules/javascript`;
  return new Set(fs.readdirSync(folder).filter((name) =>
    fs.readFileSync(`${folder}/${name}`, 'utf8').includes('type = security'))
    .map((name) => `javascript/${name.replace('.rule', '')}`));
}

const SECURITY = securityRules();

/* Each tool: bytes to [{start, end, rule}], null if it could not. */
function ours(bytes) {
  try {
    return new Program(parse(bytes)).findings().findings
      .filter((one) => SECURITY.has(one.rule))
      .map((one) => ({ start: one.line_start, end: one.line_end,
        rule: one.rule }));
  } catch {
    return null;
  }
}

function eslint() {
  const { Linter } = require(`${modules}/eslint`);
  const security = require(`${modules}/eslint-plugin-security`);
  const rules = {};
  for (const name of Object.keys(security.rules))
    rules[`security/${name}`] = 'warn';
  const settings = (sourceType) => [{ files: ['**/*'], plugins: { security },
    linterOptions: { noInlineConfig: true }, rules,
    languageOptions: { ecmaVersion: 'latest', sourceType,
      parserOptions: { ecmaFeatures: { jsx: true } } } }];
  return (bytes) => {
    for (const type of ['module', 'commonjs']) {
      const all = new Linter({ configType: 'flat' }).verify(bytes.toString(),
        settings(type), { filename: 'source.js' });
      if (!all.some((one) => one.fatal))
        return all.map((one) => ({ start: one.line, end: one.endLine,
          rule: one.ruleId }));
    }
    return null;
  };
}

function* files(folder) {
  for (const one of fs.readdirSync(folder, { withFileTypes: true })) {
    const name = `${folder}/${one.name}`;
    if (one.isDirectory()) {
      if (!['.git', 'test', 'tests', 'dist', 'umd'].includes(one.name))
        yield* files(name);
    } else if (/\.(js|cjs|mjs|jsx)$/.test(one.name) &&
        !/\.min\./.test(one.name)) {
      yield name;
    }
  }
}

/* [{line, isBad}] by the comments of a file. */
function labels(text, name) {
  const about = [`${name.replace(/\.[a-z]+$/, '')}.yaml`,
    `${name.replace(/\.[a-z]+$/, '')}.yml`].find(fs.existsSync);
  if (!about || !fs.readFileSync(about, 'utf8').includes('category: security'))
    return [];
  const lines = text.split('\n');
  const found = [];
  lines.forEach((line, i) => {
    const match = /(?:\/\/|\/\*|<!--|#)\s*(ruleid|ok)\s*:/.exec(line);
    if (!match)
      return;
    let next = i + 1;
    while (next < lines.length && /^\s*(\/\/|\/\*|\{\/\*)/.test(lines[next]))
      next++;
    found.push({ line: next + 1, isBad: match[1] === 'ruleid' });
  });
  return found;
}

const isAt = (finding, line) => (finding.start >= line &&
  finding.start <= line + 2) || (finding.start < line && finding.end >= line &&
  finding.end - finding.start < 12);

function labelled(tool, name) {
  const sum = { bad: 0, found: 0, good: 0, wrong: 0, unparsed: 0 };
  for (const file of files(root)) {
    const bytes = fs.readFileSync(file);
    const wanted = labels(bytes.toString(), file);
    if (wanted.length === 0)
      continue;
    const findings = tool(bytes);
    if (findings === null) {
      sum.unparsed++;
      continue;
    }
    const marked = new Set(wanted.filter((one) => one.isBad)
      .map((one) => one.line));
    for (const { line, isBad } of wanted) {
      /* What lies on a line that is a weakness by itself is not this one's. */
      const hit = findings.find((one) => isAt(one, line) && (isBad ||
        !marked.has(one.start)));
      sum[isBad ? 'bad' : 'good']++;
      if (hit)
        sum[isBad ? 'found' : 'wrong']++;
      if (isVerbose && Boolean(hit) !== isBad)
        console.log(`${name} ${isBad ? 'missed' : 'wrong '} ` +
          `${file.slice(root.length + 1)}:${line} ${hit ? hit.rule : ''}`);
    }
  }
  return { tool: name, ...sum, detection: +(sum.found / sum.bad).toFixed(3),
    false_alarms: +(sum.wrong / sum.good).toFixed(3) };
}

function clean(tool, name) {
  const sum = { files: 0, lines: 0, findings: 0, unparsed: 0 };
  for (const file of files(root)) {
    const bytes = fs.readFileSync(file);
    const findings = tool(bytes);
    sum.files++;
    sum.lines += bytes.toString().split('\n').length;
    if (findings === null)
      sum.unparsed++;
    sum.findings += (findings || []).length;
  }
  return { tool: name, ...sum,
    per_1000_lines: +(1000 * sum.findings / sum.lines).toFixed(3) };
}

function listed(tool, name) {
  const sum = { bad: 0, found: 0, besides: 0 };
  const wanted = new Map();
  for (const line of fs.readFileSync(`${__dirname}/javascript-apps.txt`, 'utf8')
    .split('\n').filter((one) => one && one[0] !== '#')) {
    const [file, number] = line.split(':');
    wanted.set(file, [...(wanted.get(file) || []), Number(number)]);
  }
  for (const [file, lines] of wanted) {
    const findings = tool(fs.readFileSync(`${root}/${file}`)) || [];
    const isOf = (one) => lines.some((line) => isAt(one, line));
    for (const line of lines) {
      const hit = findings.some((one) => isAt(one, line));
      sum.bad++;
      sum.found += Number(hit);
      if (isVerbose && !hit)
        console.log(`${name} missed ${file}:${line}`);
    }
    sum.besides += findings.filter((one) => !isOf(one)).length;
  }
  return { tool: name, ...sum, detection: +(sum.found / sum.bad).toFixed(3) };
}

const run = { labelled, clean, listed }[mode];
if (!run) {
  console.error('usage: javascript.cjs [-v] labelled|clean|listed DIR ' +
    '[NODE_MODULES]');
  process.exit(2);
}
console.log(JSON.stringify(run(ours, 'analyze-javascript')));
if (modules)
  console.log(JSON.stringify(run(eslint(), 'eslint-plugin-security')));
