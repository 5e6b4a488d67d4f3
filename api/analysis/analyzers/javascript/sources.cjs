// SPDX-License-Identifier: Apache-2.0
/*
 * Which paths (names.cjs) are values from outside.
 */
'use strict';

const { Taint } = require('./taint.cjs');

/* Of a request, by the name after it; the value is what kind of thing it is. */
const REQUEST = new Map(Object.entries({
  query: 'object', body: 'object', params: 'text', headers: 'text',
  cookies: 'object', signedCookies: 'text', files: 'file', file: 'file',
  url: 'text', originalUrl: 'text', path: 'text', hostname: 'text',
  host: 'text', href: 'text', rawBody: 'text', rawHeaders: 'text',
  payload: 'object', querystring: 'text', search: 'text',
}));
const REQUEST_CALLS = new Set(['get', 'header', 'param', 'query', 'text',
  'json', 'formData', 'parseBody']);
/* Of a cloud function's event: what the cloud itself says. */
const EVENT_OWN = new Set(['requestContext', 'stageVariables', 'version',
  'httpMethod', 'isBase64Encoded', 'context', 'type', 'target',
  'preventDefault', 'stopPropagation', 'key', 'resource']);
/* What a server itself says of an upload. */
const FILE_OWN = new Set(['path', 'size', 'destination', 'mimetype',
  'encoding', 'filename', 'fieldname', 'length', 'tempFilePath', 'md5']);
const LOCATION = new Set(['', 'href', 'search', 'hash', 'pathname']);
const DOCUMENT = new Set(['URL', 'documentURI', 'referrer', 'cookie',
  'baseURI']);
const USER_WORDS = new Set(['user', 'input', 'untrusted', 'query', 'payload',
  'param', 'params', 'filename', 'body', 'data', 'uploaded', 'requested',
  'file', 'name', 'path', 'filepath', 'url', 'page', 'id', 'template']);

const shown = (path) => path.replace('@', '').replaceAll('()', '');

function ofRequest(path, parts, at) {
  const name = (parts[at] || '').replace('()', '');
  const isCall = (parts[at] || '').endsWith('()');
  if (isCall && REQUEST_CALLS.has(name))
    return new Taint('req', shown(path), {});
  const kind = isCall ? undefined : REQUEST.get(name);
  if (kind === undefined)
    return null;
  const last = parts[parts.length - 1];
  if (kind === 'file' && (parts.length <= at + 1 || FILE_OWN.has(last)))
    return null;
  const isWhole = parts.length === at + 1 && kind !== 'text';
  return new Taint('req', shown(path), {
    isObject: kind === 'object', isWhole,
    isFields: parts.length === at + 1 && (name === 'params' ||
      name === 'headers'),
  });
}

const BY_ROLE = new Map(Object.entries({
  '@req': (path, parts) => parts[1] === 'request' || parts[1] === 'raw' ?
    ofRequest(path, parts, 2) : ofRequest(path, parts, 1),
  '@ctx': (path, parts) => ['request', 'req'].includes(parts[1]) ?
    ofRequest(path, parts, 2) : ['body', 'files', 'file', 'payload']
      .includes(parts[1]) ? null : ofRequest(path, parts, 1),
  '@event': (path, parts) => EVENT_OWN.has(parts[1]) ? null :
    new Taint('req', shown(path), { isObject: true,
      isWhole: parts.length === 1 }),
  '@message': (path, parts) => parts[1] === 'data' ?
    new Taint('message', 'a message from another window', {}) : null,
  '@data': () => new Taint('req', 'data from the connection',
    { isObject: true }),
  '@stdin': () => new Taint('stdin', 'standard input', {}),
}));

function ofLocation(path, name) {
  return LOCATION.has(name) ? new Taint('dom', path, { isUrl: name === 'href' ||
    name === '' }) : null;
}

function ofGlobal(path, parts) {
  switch (parts[0]) {
  case 'location':
    return ofLocation(path, parts[1] || '');
  case 'document':
    return DOCUMENT.has(parts[1]) ? new Taint('dom', path, {}) : null;
  case 'name':
    return parts.length === 1 ? new Taint('dom', 'window.name', {}) : null;
  case 'process':
    if (parts[1] === 'argv')
      return new Taint('argv', 'process.argv', {});
    return parts[1] === 'env' && parts.length > 2 ?
      new Taint('env', 'the environment', {}) : null;
  default:
    break;
  }
  if (path.endsWith('.value') && (path.includes('getElementById()') ||
      path.includes('querySelector()') || path.includes('@event.target')))
    return new Taint('dom', 'a field of the page', { isField: true });
  if (path === '$().val()')
    return new Taint('dom', 'a field of the page', { isField: true });
  return null;
}

const REMOTE = new Set(['fetch()', '#axios()', '#node-fetch()',
  '#axios.get()', 'axios.get()', '#got()', '$.get()', '$.getJSON()']);

/* What a path means by itself, or null. */
function sourceOf(path, node) {
  if (path === '' || path[0] === '%')
    return null;
  if (path === 'name' && node.type === 'Identifier')
    return null; // a global called name is mostly something else
  const parts = path.split('.', 12);
  const byRole = BY_ROLE.get(parts[0]);
  if (byRole)
    return byRole(path, parts);
  if (path[0] === '#' && !REMOTE.has(parts[0]) && parts.length > 1 &&
      REMOTE.has(`${parts[0]}.${parts[1]}`))
    return new Taint('remote', 'what a server answered', {});
  if (REMOTE.has(parts[0]))
    return new Taint('remote', 'what a server answered', {});
  return ofGlobal(path, parts);
}

/* A parameter of a function that others call. */
function parameterSource(binding) {
  return new Taint('param', `the parameter ${binding.name.slice(0, 40)}`,
    { name: binding.name });
}

module.exports = { sourceOf, parameterSource, USER_WORDS };
