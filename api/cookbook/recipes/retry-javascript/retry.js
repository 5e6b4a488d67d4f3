'use strict';
/*
 * Try again what may pass: exponential backoff with full jitter.
 *
 *   const reply = await retry((attempt, signal) => fetch(url, { signal }), {
 *     mayPass: (error) => error.code === 'ECONNRESET',
 *     attempts: 5, deadlineMs: 30000 });
 *
 * The pause before attempt n + 1 is a random time up to baseMs * 2 ** (n - 1),
 * at most maxMs: clients that failed together do not come back together.  An
 * error with a number in retryAfterMs is not tried again sooner.  When attempts
 * or time are used up, the last error is thrown as it was.
 *
 * Only what is safe to do twice may be tried again.
 */
const crypto = require('node:crypto');
const timers = require('node:timers/promises');

/* From 0 to 1; crypto's, so that no two processes share a sequence. */
function chance() {
  return crypto.randomInt(2 ** 32) / 2 ** 32;
}

const DEFAULTS = { attempts: 5, baseMs: 100, maxMs: 30000, deadlineMs: Infinity,
  beforeRetry: () => {}, signal: undefined, clock: () => performance.now(),
  random: chance,
  sleep: (ms, signal) => timers.setTimeout(ms, undefined, { signal }) };

function settingsOf(options) {
  const settings = { ...DEFAULTS, ...options };
  for (const name of Object.keys(options))
    if (!(name in DEFAULTS) && name !== 'mayPass')
      throw new TypeError(`unknown option: ${name}`);
  if (typeof settings.mayPass !== 'function')
    throw new TypeError('mayPass(error) must say which errors may pass');
  if (!Number.isInteger(settings.attempts) || settings.attempts < 1)
    throw new TypeError('attempts must be 1 or more');
  for (const name of ['baseMs', 'maxMs', 'deadlineMs'])
    if (!(settings[name] >= 0))
      throw new TypeError(`${name} must not be negative`);
  return settings;
}

function pauseMs(settings, attempt, error) {
  const longest = Math.min(settings.maxMs,
    settings.baseMs * 2 ** (attempt - 1));
  const asked = error?.retryAfterMs;
  const pause = settings.random() * longest;
  return Number.isFinite(asked) ? Math.max(pause, asked) : pause;
}

/** The value of f(attempt, signal), tried again as the options say. */
async function retry(f, options) {
  const settings = settingsOf(options ?? {});
  const begin = settings.clock();
  for (let attempt = 1; ; attempt++) {
    settings.signal?.throwIfAborted();
    try {
      return await f(attempt, settings.signal);
    } catch (error) {
      settings.signal?.throwIfAborted();
      if (attempt >= settings.attempts || !settings.mayPass(error))
        throw error;
      const pause = pauseMs(settings, attempt, error);
      if (settings.clock() - begin + pause >= settings.deadlineMs)
        throw error;
      settings.beforeRetry(attempt, pause, error);
      await settings.sleep(pause, settings.signal);
    }
  }
}

module.exports = { retry };
