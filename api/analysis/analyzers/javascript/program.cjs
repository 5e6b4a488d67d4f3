// SPDX-License-Identifier: Apache-2.0
/*
 * One program under analysis: its tree, scopes, roles, and the findings that
 * checks and flows report, each once and in the order of the text.
 */
'use strict';

const { walk } = require('./ast.cjs');
const { analyzeScopes } = require('./scope.cjs');
const { assignRoles } = require('./roles.cjs');
const { Flow } = require('./flow.cjs');
const { Sinks } = require('./sinks.cjs');

const FINDINGS_MAX = 1000;
const LEVELS = ['low', 'medium', 'high', 'critical'];

/* A check: {NodeType(node, program), ..., end(program)}; every one runs. */
const CHECKS = ['./checks_crypto.cjs', './checks_secrets.cjs',
  './checks_web.cjs', './checks_code.cjs', './checks_regex.cjs',
  './checks_speed.cjs', './checks_shape.cjs', './checks_style.cjs'];

class Program {
  constructor(parsed) {
    Object.assign(this, parsed);
    this.found = new Map();
    this.nodes = new Map(); // type -> nodes
    this.scopes = analyzeScopes(this.ast);
    walk(this.ast, (node) => {
      const list = this.nodes.get(node.type);
      if (list)
        list.push(node);
      else
        this.nodes.set(node.type, [node]);
    });
    this.roles = assignRoles(this.scopes, this.nodes);
    this.follow();
    this.check();
  }

  follow() {
    const report = this.report.bind(this);
    new Flow(this, new Sinks(report)).run();
  }

  check() {
    for (const name of CHECKS)
      for (const [type, method] of Object.entries(require(name)))
        if (type === 'end')
          method(this);
        else
          for (const node of this.nodes.get(type) || [])
            method(node, this);
  }

  all(type) {
    return this.nodes.get(type) || [];
  }

  has(rule, node) {
    return this.found.has(`${rule}:${node.start}`);
  }

  /* more: {confidence, severity}; the surer one of two of a kind stays. */
  report(rule, node, message, more = {}) {
    const key = `${rule}:${node.start}`;
    const old = this.found.get(key);
    if (old && LEVELS.indexOf(old.confidence) >=
        LEVELS.indexOf(more.confidence))
      return;
    const line = this.lines.at(node.start);
    /* What is long is a place to look at, not to be marked whole. */
    const end = Math.min(this.lines.at(Math.max(node.start, node.end - 1)),
      line + 40);
    this.found.set(key, { rule: `javascript/${rule}`, line_start: line,
      line_end: end, column: this.lines.column(node.start), message, ...more });
  }

  findings() {
    const all = [...this.found.values()].sort((a, b) =>
      a.line_start - b.line_start || a.column - b.column ||
      (a.rule < b.rule ? -1 : Number(a.rule > b.rule)));
    const findings = all.slice(0, FINDINGS_MAX);
    return all.length > FINDINGS_MAX ? { findings, truncated: true } :
      { findings };
  }
}

module.exports = { Program };
