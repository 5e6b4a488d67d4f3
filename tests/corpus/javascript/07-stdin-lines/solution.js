'use strict';
const readline = require('node:readline');

const routes = new Map();
let bad = 0;

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line.startsWith('#'))
      return console.log(line);
    const match = /^(GET|POST) (\S+) (\d{3}) (\d+)$/.exec(line);
    if (!match)
      return bad++;
    const [, , path, status, ms] = match;
    const route = routes.get(path) ?? { hits: 0, ms: 0, statuses: new Set() };
    route.hits++;
    route.ms += Number(ms);
    route.statuses.add(status);
    routes.set(path, route);
  })
  .on('close', () => {
    for (const [path, r] of [...routes].sort((a, b) => b[1].hits - a[1].hits))
      console.log(path.padEnd(10), String(r.hits).padStart(3),
        (r.ms / r.hits).toFixed(1).padStart(6), [...r.statuses].join(','));
    console.error(`${bad} line(s) not understood`);
  });
