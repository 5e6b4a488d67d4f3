// SPDX-License-Identifier: Apache-2.0
/*
 * The sinks of a page in a browser: what is parsed as HTML, what runs as a
 * script, where the window goes.
 */
'use strict';

const { bare, keyName, property } = require('./ast.cjs');
const { pathOf, constantText } = require('./names.cjs');
const { callCleans } = require('./cleaners.cjs');
const { FOR } = require('./taint.cjs');

const HTML_PROPERTIES = new Set(['innerHTML', 'outerHTML', 'srcdoc']);
const WRITES = new Set(['document.write', 'document.writeln']);
const HTML_METHODS = new Set(['insertAdjacentHTML', 'html', 'append', 'prepend',
  'after', 'before', 'replaceWith', 'createContextualFragment',
  'parseHTML', 'wrap', 'appendTo', 'bypassSecurityTrustHtml']);
const GOES = new Set(['location.assign', 'location.replace', 'window.open',
  'open']);

const isQuery = (path) => path[0] === '$' || path.startsWith('jQuery') ||
  path.startsWith('%$');

function call(sinks, node, path, name, args, receiver) {
  if (WRITES.has(path))
    return args.find((one) => sinks.hit('dom-xss', one || null, node));
  if (GOES.has(path))
    return sinks.hit('open-redirect', fieldless(args[0]), node);
  if ((path === '$' || path === 'jQuery') && args[0] && args[0].kind === 'dom')
    return sinks.hit('dom-xss', args[0].isJoined &&
      !args[0].text.includes('<') ? null : args[0], node, 'medium');
  if (HTML_METHODS.has(name)) {
    if (name === 'insertAdjacentHTML' || name === 'createContextualFragment')
      return sinks.hit('dom-xss', args[name[0] === 'i' ? 1 : 0] || null, node);
    /* $(x).append(text) parses it, element.append(text) does not. */
    if (isQuery(path) && args[0] && !args[0].inObject &&
        !(args[0].kind === 'param' && !args[0].text.includes('<')))
      return sinks.hit('dom-xss', args[0], node);
  }
  if (/page|browser|frame|phantom|runtime/i.test(path) && args[0])
    return browser(sinks, node, name, args[0]);
  if (name === 'setAttribute' && node.arguments.length > 1) {
    const attribute = constantText(node.arguments[0]) || '';
    if (attribute.startsWith('on') || attribute === 'srcdoc')
      return sinks.hit('dom-xss', args[1] || null, node);
  }
  return undefined;
}

const OPENS = new Set(['goto', 'openUrl', 'open', 'navigate', 'printToPDF']);
const RUNS = new Set(['evaluate', 'evaluateJavaScript', 'evaluateOnNewDocument',
  'compileScript', 'addInitScript', 'evaluateHandle', 'setContent',
  'evaluateAsync', 'setDocumentContent']);

/* A browser that the server itself drives. */
function browser(sinks, node, name, value) {
  if (OPENS.has(name))
    return sinks.hit('ssrf', value, node);
  return RUNS.has(name) && value.kind === 'req' ?
    sinks.hit('code-injection', value, node) : undefined;
}

/* A text of the page's own fields cannot be sent to another user's page. */
const fieldless = (value) => value && !value.isField ? value : null;

function assignment(sinks, node, left, value) {
  const path = pathOf(left);
  if (left.type === 'Identifier') {
    if (left.name === 'location' && !left.binding)
      sinks.hit('open-redirect', fieldless(value), node);
    return;
  }
  if (left.type !== 'MemberExpression' || !value)
    return;
  const name = keyName(left);
  if (HTML_PROPERTIES.has(name))
    sinks.hit('dom-xss', value.inObject ? null : value, node);
  else if (path === 'location' || path === 'location.href' ||
      path.endsWith('.location.href') || path.endsWith('.location'))
    sinks.hit('open-redirect', fieldless(value), node);
}

/* dangerouslySetInnerHTML={{__html: x}} says itself that x had better be safe. */
function attribute(sinks, node, value) {
  if (node.name.name !== 'dangerouslySetInnerHTML' || !node.value ||
      node.value.type !== 'JSXExpressionContainer')
    return;
  const html = property(node.value.expression, '__html');
  if (!html || constantText(html) !== null)
    return;
  if (value) {
    sinks.hit('dom-xss', value, node);
    return;
  }
  const inner = bare(html);
  const isCall = inner.type === 'CallExpression';
  if ((inner.type === 'MemberExpression' || inner.type === 'Identifier') &&
      !isCall && !isCleaned(inner))
    sinks.report('dom-xss', node,
      'a value that nothing here has made safe is set as HTML.',
      { confidence: 'low' });
}

function isCleaned(node) {
  const path = pathOf(node);
  const name = path.endsWith('()') ? path.slice(0, -2) : '';
  const dot = name.lastIndexOf('.');
  return name !== '' && (callCleans(name, name.slice(dot + 1)) & FOR.html) !== 0;
}

module.exports = { call, assignment, attribute };
