import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { shout } from './lib/shout.mjs';

const { values, positionals } = parseArgs({
  options: { upper: { type: 'boolean' } },
  allowPositionals: true,
});

await sleep(5);
for (const word of positionals)
  console.log(values.upper ? shout(word) : word);
console.log(basename(process.argv[1]), basename(fileURLToPath(import.meta.url)));

process.on('exit', (code) => console.log('leaving with', code));
setTimeout(() => console.log('still ran'), 5);
process.exitCode = positionals.length + 2;
