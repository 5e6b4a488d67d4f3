/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_scripts.c - every Lua script of the Redis back end, in one table.  No
 * script is ever put together from values: they come in ARGV.
 *
 * Keys (docs/OPERATIONS.md has them for operators):
 *
 *	workflow:ID			the document, a string
 *	promptcraft:workflow:ID		hash: what the store searches by, lease
 *	promptcraft:workflows[:user:U][:status:S]
 *					zset of ids by time of creation
 *	promptcraft:workflows:claimable	zset of ids by the moment from which a
 *					claim can succeed: due, or end of lease
 *	promptcraft:workflows:expiring	zset of "ID USER STATUS" by end of life
 *	promptcraft:delivery:ID, promptcraft:deliveries...	likewise
 *	promptcraft:lease		the last fencing number
 *	promptcraft:claim:REQUEST	what a claim gave, should its reply be
 *	promptcraft:done:REQUEST	lost, and that a write was made; for
 *					ten seconds, twice what a call takes
 *	api_usage:DATE			list of entries, the latest first
 *	rate_limit:USER:OP		string, a count that expires
 *
 * Numbers are doubles in Lua, exact up to 2^53: microseconds until the year
 * 2255.  int() writes them without an exponent.  Time is the server's, so that
 * all nodes mean the same moment.  Keys are computed within the scripts, so a
 * Redis cluster is not supported; store_open_redis() refuses one.
 */
#include "api/store/redis_store.h"

/*
 * A count need not be on disk before it is answered (store.h): the first ones
 * of a window go into the append-only file, then every 16th, so that a crash of
 * Redis forgives fifteen at most and a status request does not wait for a disk.
 */
/* clang-format off */
#define BASE \
	"local P = 'promptcraft:'\n" \
	"local request, is_repeat = ARGV[1], ARGV[2] == '1'\n" \
	"local call = redis.call\n" \
	"local function now()\n" \
	"  local t = call('TIME')\n" \
	"  return t[1] * 1000000 + t[2]\n" \
	"end\n" \
	"local MEMO_MS = 10000\n" \
	"local function is_done()\n" \
	"  return is_repeat and call('EXISTS', P .. 'done:' .. request) == 1\n" \
	"end\n" \
	"local function note_done()\n" \
	"  call('SET', P .. 'done:' .. request, '1', 'PX', MEMO_MS)\n" \
	"end\n" \
	"local function int(n) return string.format('%.0f', n) end\n" \
	"local function later(a, b)\n" \
	"  return tonumber(a) >= tonumber(b) and a or b\n" \
	"end\n"

#define COUNTER \
	"local EACH = 16\n" \
	"local function hit(key, window_ms)\n" \
	"  redis.set_repl(redis.REPL_NONE)\n" \
	"  local count, left = call('INCR', key), call('PTTL', key)\n" \
	"  local is_new = left < 0 or left > window_ms\n" \
	"  if is_new then count, left = 1, window_ms end\n" \
	"  if is_new or count <= EACH or count % EACH == 0 then\n" \
	"    redis.set_repl(redis.REPL_ALL)\n" \
	"    call('SET', key, int(count), 'PX', int(left))\n" \
	"  end\n" \
	"  return count, left\n" \
	"end\n"

#define WORKFLOW \
	"local CLAIM = P .. 'workflows:claimable'\n" \
	"local EXPIRING = P .. 'workflows:expiring'\n" \
	"local TERMINAL = {completed = true, failed = true, cancelled = true}\n" \
	"local GRACE_MS = 3600000\n" \
	"local function meta(id) return P .. 'workflow:' .. id end\n" \
	"local function doc(id) return 'workflow:' .. id end\n" \
	"local function lists(user, status)\n" \
	"  local all = P .. 'workflows'\n" \
	"  return {all, all .. ':user:' .. user, all .. ':status:' .. status,\n" \
	"    all .. ':user:' .. user .. ':status:' .. status}\n" \
	"end\n" \
	"local function schedule(id, due, till)\n" \
	"  if tonumber(due) > 0 then\n" \
	"    call('ZADD', CLAIM, later(due, till), id)\n" \
	"  else\n" \
	"    call('ZREM', CLAIM, id)\n" \
	"  end\n" \
	"end\n" \
	"local function live_until(id, user, status, expires)\n" \
	"  local entry = id .. ' ' .. user .. ' ' .. status\n" \
	"  if TERMINAL[status] and tonumber(expires) > 0 then\n" \
	"    call('ZADD', EXPIRING, expires, entry)\n" \
	"    local at = math.floor(tonumber(expires) / 1000) + GRACE_MS\n" \
	"    if at * 1000 > now() then\n" \
	"      call('PEXPIREAT', meta(id), int(at))\n" \
	"      call('PEXPIREAT', doc(id), int(at))\n" \
	"      return\n" \
	"    end\n" \
	"  end\n" \
	"  if not TERMINAL[status] or expires == '0' then\n" \
	"    call('ZREM', EXPIRING, entry)\n" \
	"  end\n" \
	"  call('PERSIST', meta(id))\n" \
	"  call('PERSIST', doc(id))\n" \
	"end\n"

#define DELIVERY \
	"local READY = P .. 'deliveries:claimable'\n" \
	"local function delivery(id) return P .. 'delivery:' .. id end\n" \
	"local function of_status(status)\n" \
	"  return P .. 'deliveries:status:' .. status\n" \
	"end\n" \
	"local function add_delivery(at)\n" \
	"  local id, workflow, status, attempts, due, document =\n" \
	"    unpack(ARGV, at, at + 5)\n" \
	"  if call('EXISTS', delivery(id)) == 1 then return end\n" \
	"  local t = int(now())\n" \
	"  call('HSET', delivery(id), 'workflow', workflow, 'status', status,\n" \
	"    'attempts', attempts, 'due', due, 'updated', t, 'token', '0',\n" \
	"    'document', document)\n" \
	"  call('ZADD', P .. 'deliveries', t, id)\n" \
	"  call('ZADD', of_status(status), t, id)\n" \
	"  if status == 'pending' then call('ZADD', READY, due, id) end\n" \
	"end\n"

#define SPEND \
	"local KEEP_S = 400 * 86400\n" \
	"local function spend(id) return P .. 'spend:' .. id end\n" \
	"local function day(date) return P .. 'spend_day:' .. date end\n" \
	"local function of_workflow(id) return P .. 'spend_workflow:' .. id end\n" \
	"local function add(workflow, user, date, micros)\n" \
	"  local n, w = int(micros), of_workflow(workflow)\n" \
	"  call('HINCRBY', P .. 'spend_all', '*', n)\n" \
	"  call('HINCRBY', P .. 'spend_all', user, n)\n" \
	"  call('HINCRBY', day(date), '*', n)\n" \
	"  call('HINCRBY', day(date), user, n)\n" \
	"  call('HINCRBY', w, '* *', n)\n" \
	"  call('HINCRBY', w, '* ' .. user, n)\n" \
	"  call('HINCRBY', w, date .. ' *', n)\n" \
	"  call('HINCRBY', w, date .. ' ' .. user, n)\n" \
	"  call('EXPIRE', day(date), KEEP_S)\n" \
	"  call('EXPIRE', w, KEEP_S)\n" \
	"end\n" \
	"local function totals(workflow, date)\n" \
	"  return tonumber(call('HGET', day(date), '*') or '0'),\n" \
	"    tonumber(call('HGET', of_workflow(workflow), '* *') or '0')\n" \
	"end\n"

const struct script_text script_texts[SCRIPT_COUNT] = {
	[SCRIPT_PING] = {
		BASE,
		"call('SET', P .. 'ping', int(now()))\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_USER_ADD] = {
		BASE,
		"local id, name, hash, role, version, disabled, created = unpack(ARGV, 3, 9)\n"
		"local has = call('HGET', P .. 'user:' .. name, 'id')\n"
		"if has and is_repeat and has == id then return 'ok' end\n"
		"if has or call('EXISTS', P .. 'user_id:' .. id) == 1 then\n"
		"  return 'conflict'\n"
		"end\n"
		"call('HSET', P .. 'user:' .. name, 'id', id, 'hash', hash, 'role', role,\n"
		"  'version', version, 'disabled', disabled, 'created', created)\n"
		"call('SET', P .. 'user_id:' .. id, name)\n"
		"call('ZADD', P .. 'users', 0, name)\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_USER_GET] = {
		BASE,
		"local u = call('HMGET', P .. 'user:' .. ARGV[3], 'id', 'hash', 'role',\n"
		"  'version', 'disabled', 'created')\n"
		"if not u[1] then return false end\n"
		"u[7] = ARGV[3]\n"
		"return u\n",
		true,
	},
	[SCRIPT_USER_GET_BY_ID] = {
		BASE,
		"local name = call('GET', P .. 'user_id:' .. ARGV[3])\n"
		"if not name then return false end\n"
		"local u = call('HMGET', P .. 'user:' .. name, 'id', 'hash', 'role',\n"
		"  'version', 'disabled', 'created')\n"
		"if u[1] ~= ARGV[3] then return false end\n"
		"u[7] = name\n"
		"return u\n",
		true,
	},
	[SCRIPT_USER_SET_PASSWORD] = {
		BASE,
		"local k = P .. 'user:' .. ARGV[3]\n"
		"if call('EXISTS', k) == 0 then return 'missing' end\n"
		"call('HSET', k, 'hash', ARGV[4])\n"
		"call('HINCRBY', k, 'version', 1)\n"
		"return 'ok'\n",
		false,
	},
	[SCRIPT_USER_LIST] = {
		BASE,
		"local all = {}\n"
		"for _, name in ipairs(call('ZRANGE', P .. 'users', 0, -1)) do\n"
		"  local u = call('HMGET', P .. 'user:' .. name, 'id', 'hash', 'role',\n"
		"    'version', 'disabled', 'created')\n"
		"  u[7] = name\n"
		"  all[#all + 1] = u\n"
		"end\n"
		"return all\n",
		true,
	},
	[SCRIPT_WORKFLOW_CREATE] = {
		BASE WORKFLOW,
		"local id, user, status, created, updated, due, expires, summary, document =\n"
		"  unpack(ARGV, 3, 11)\n"
		"local creator = call('HGET', meta(id), 'creator')\n"
		"if creator then return creator == request and 'ok' or 'conflict' end\n"
		"call('HSET', meta(id), 'user', user, 'status', status, 'version', '1',\n"
		"  'created', created, 'updated', updated, 'due', due,\n"
		"  'expires', expires, 'token', '0', 'until', '0', 'worker', '',\n"
		"  'creator', request, 'summary', summary)\n"
		"call('SET', doc(id), document)\n"
		"for _, list in ipairs(lists(user, status)) do\n"
		"  call('ZADD', list, created, id)\n"
		"end\n"
		"schedule(id, due, '0')\n"
		"live_until(id, user, status, expires)\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_WORKFLOW_GET] = {
		BASE WORKFLOW,
		"local m = call('HMGET', meta(ARGV[3]), 'user', 'status', 'version',\n"
		"  'created', 'updated', 'due', 'expires')\n"
		"if not m[1] then return false end\n"
		"m[8] = call('GET', doc(ARGV[3]))\n"
		"return m\n",
		true,
	},
	[SCRIPT_WORKFLOW_PEEK] = {
		BASE,
		"local m = call('HMGET', P .. 'workflow:' .. ARGV[3], 'user', 'status',\n"
		"  'version', 'created', 'updated', 'due', 'expires')\n"
		"return m[1] and m\n",
		true,
	},
	/* Repeated it counts once more than it should, which forgives nobody. */
	[SCRIPT_GLANCE] = {
		BASE COUNTER,
		"local user_id, id, key, window_ms, version = unpack(ARGV, 3, 7)\n"
		"window_ms = window_ms * 1000\n"
		"local name = call('GET', P .. 'user_id:' .. user_id)\n"
		"local u = name and call('HMGET', P .. 'user:' .. name, 'id', 'hash',\n"
		"  'role', 'version', 'disabled', 'created')\n"
		"if not u or u[1] ~= user_id then return {false, false, 0, 0} end\n"
		"u[7] = name\n"
		"local m = call('HMGET', P .. 'workflow:' .. id, 'user', 'status',\n"
		"  'version', 'created', 'updated', 'due', 'expires')\n"
		"if key == '' or u[4] ~= version or u[5] ~= '0' then\n"
		"  return {u, m[1] and m, 0, 0}\n"
		"end\n"
		"local count, left = hit(key, window_ms)\n"
		"return {u, m[1] and m, count, left}\n",
		true,
	},
	[SCRIPT_WORKFLOW_UPDATE] = {
		BASE WORKFLOW DELIVERY,
		"local id, version, status, updated, due, expires, summary, document, token =\n"
		"  unpack(ARGV, 3, 11)\n"
		"local h = call('HMGET', meta(id), 'version', 'token', 'until', 'user',\n"
		"  'status', 'created')\n"
		"if not h[1] then return {'missing', '0'} end\n"
		"if is_done() then return {'ok', h[1]} end\n"
		"if h[1] ~= version then return {'version', h[1]} end\n"
		"if token ~= '0' and token ~= h[2] then return {'lease', h[1]} end\n"
		"call('HSET', meta(id), 'version', int(tonumber(version) + 1),\n"
		"  'status', status, 'updated', updated, 'due', due, 'expires', expires,\n"
		"  'summary', summary)\n"
		"call('SET', doc(id), document)\n"
		"if status ~= h[5] then\n"
		"  local old, new = lists(h[4], h[5]), lists(h[4], status)\n"
		"  for i = 3, 4 do\n"
		"    call('ZREM', old[i], id)\n"
		"    call('ZADD', new[i], h[6], id)\n"
		"  end\n"
		"  call('ZREM', EXPIRING, id .. ' ' .. h[4] .. ' ' .. h[5])\n"
		"end\n"
		"schedule(id, due, h[3])\n"
		"live_until(id, h[4], status, expires)\n"
		"for at = 12, #ARGV, 6 do add_delivery(at) end\n"
		"note_done()\n"
		"return {'ok', h[1]}\n",
		true,
	},
	[SCRIPT_WORKFLOW_LIST] = {
		BASE,
		"local user, status, before, limit = unpack(ARGV, 3, 6)\n"
		"local key = P .. 'workflows'\n"
		"if user ~= '' then key = key .. ':user:' .. user end\n"
		"if status ~= '' then key = key .. ':status:' .. status end\n"
		"local all = {}\n"
		"for _, id in ipairs(call('ZREVRANGEBYSCORE', key, before, '-inf',\n"
		"    'LIMIT', 0, limit)) do\n"
		"  local m = call('HMGET', P .. 'workflow:' .. id, 'user', 'status',\n"
		"    'version', 'created', 'updated', 'due', 'expires', 'summary')\n"
		"  if m[1] then\n"
		"    m[9] = id\n"
		"    all[#all + 1] = m\n"
		"  end\n"
		"end\n"
		"return all\n",
		true,
	},
	[SCRIPT_WORKFLOW_CLAIM] = {
		BASE WORKFLOW,
		"local worker, lease_ms = ARGV[3], ARGV[4]\n"
		"local memo = P .. 'claim:' .. request\n"
		"if is_repeat then\n"
		"  local had = call('LRANGE', memo, 0, -1)\n"
		"  if had[1] then return had end\n"
		"end\n"
		"local t = now()\n"
		"while true do\n"
		"  local id = call('ZRANGEBYSCORE', CLAIM, '-inf', int(t), 'LIMIT', 0, 1)[1]\n"
		"  if not id then return false end\n"
		"  if call('EXISTS', meta(id)) == 1 then\n"
		"    local token = int(call('INCR', P .. 'lease'))\n"
		"    local till = int(t + lease_ms * 1000)\n"
		"    call('HSET', meta(id), 'token', token, 'until', till,\n"
		"      'worker', worker)\n"
		"    call('ZADD', CLAIM, till, id)\n"
		"    call('RPUSH', memo, token, id)\n"
		"    call('PEXPIRE', memo, MEMO_MS)\n"
		"    return {token, id}\n"
		"  end\n"
		"  call('ZREM', CLAIM, id)\n"
		"end\n",
		true,
	},
	[SCRIPT_LEASE_RENEW] = {
		BASE WORKFLOW,
		"local id, token, lease_ms = unpack(ARGV, 3, 5)\n"
		"local h = call('HMGET', meta(id), 'token', 'due')\n"
		"if not h[1] then return 'missing' end\n"
		"if h[1] ~= token then return 'lease' end\n"
		"local till = int(now() + lease_ms * 1000)\n"
		"call('HSET', meta(id), 'until', till)\n"
		"schedule(id, h[2], till)\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_LEASE_RELEASE] = {
		BASE WORKFLOW,
		"local id, token = ARGV[3], ARGV[4]\n"
		"local h = call('HMGET', meta(id), 'token', 'due')\n"
		"if not h[1] then return 'missing' end\n"
		"if h[1] ~= token then return is_repeat and 'ok' or 'lease' end\n"
		"call('HSET', meta(id), 'token', '0', 'until', '0', 'worker', '')\n"
		"schedule(id, h[2], '0')\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_NEXT_DUE] = {
		BASE,
		"local first = call('ZRANGE', ARGV[3], 0, 0, 'WITHSCORES')\n"
		"return {int(first[2] or 0), int(now())}\n",
		true,
	},
	[SCRIPT_WORKFLOW_EXPIRE] = {
		BASE WORKFLOW,
		"local old = call('ZRANGEBYSCORE', EXPIRING, '-inf', ARGV[3],\n"
		"  'LIMIT', 0, ARGV[4])\n"
		"for _, entry in ipairs(old) do\n"
		"  local id, user, status = string.match(entry, '^(%S+) (%S*) (%S+)$')\n"
		"  for _, list in ipairs(lists(user, status)) do call('ZREM', list, id) end\n"
		"  call('ZREM', CLAIM, id)\n"
		"  call('ZREM', EXPIRING, entry)\n"
		"  call('DEL', meta(id), doc(id))\n"
		"end\n"
		"return #old\n",
		true,
	},
	[SCRIPT_DELIVERY_PUT] = {
		BASE DELIVERY,
		"add_delivery(3)\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_DELIVERY_CLAIM] = {
		BASE DELIVERY,
		"local memo = P .. 'claim:' .. request\n"
		"local id, token = false, false\n"
		"if is_repeat then id, token = unpack(call('LRANGE', memo, 0, -1)) end\n"
		"local t = now()\n"
		"while not id do\n"
		"  id = call('ZRANGEBYSCORE', READY, '-inf', int(t), 'LIMIT', 0, 1)[1]\n"
		"  if not id then return false end\n"
		"  if call('EXISTS', delivery(id)) == 1 then\n"
		"    token = int(call('INCR', P .. 'lease'))\n"
		"    call('HSET', delivery(id), 'token', token)\n"
		"    call('ZADD', READY, int(t + ARGV[3] * 1000), id)\n"
		"    call('RPUSH', memo, id, token)\n"
		"    call('PEXPIRE', memo, MEMO_MS)\n"
		"  else\n"
		"    call('ZREM', READY, id)\n"
		"    id = false\n"
		"  end\n"
		"end\n"
		"local d = call('HMGET', delivery(id), 'workflow', 'status', 'attempts',\n"
		"  'due', 'updated', 'document')\n"
		"d[7], d[8] = id, token\n"
		"return d\n",
		true,
	},
	[SCRIPT_DELIVERY_UPDATE] = {
		BASE DELIVERY,
		"local id, token, status, attempts, due, document = unpack(ARGV, 3, 8)\n"
		"local h = call('HMGET', delivery(id), 'token', 'status')\n"
		"if is_done() then return 'ok' end\n"
		"if h[1] ~= token then return 'lease' end\n"
		"local t = int(now())\n"
		"call('HSET', delivery(id), 'status', status, 'attempts', attempts,\n"
		"  'due', due, 'updated', t, 'token', '0')\n"
		"if document then call('HSET', delivery(id), 'document', document) end\n"
		"call('ZREM', of_status(h[2]), id)\n"
		"call('ZADD', of_status(status), t, id)\n"
		"call('ZADD', P .. 'deliveries', t, id)\n"
		"if status == 'pending' then\n"
		"  call('ZADD', READY, due, id)\n"
		"else\n"
		"  call('ZREM', READY, id)\n"
		"end\n"
		"note_done()\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_DELIVERY_RETRY] = {
		BASE DELIVERY,
		"local id, due = ARGV[3], ARGV[4]\n"
		"local h = call('HMGET', delivery(id), 'status', 'write')\n"
		"if h[1] and h[2] == request then return 'ok' end\n"
		"if h[1] ~= 'dead' then return 'none' end\n"
		"local t = int(now())\n"
		"call('HSET', delivery(id), 'status', 'pending', 'attempts', '0',\n"
		"  'due', due, 'updated', t, 'token', '0', 'write', request)\n"
		"call('ZREM', of_status('dead'), id)\n"
		"call('ZADD', of_status('pending'), t, id)\n"
		"call('ZADD', P .. 'deliveries', t, id)\n"
		"call('ZADD', READY, due, id)\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_DELIVERY_LIST] = {
		BASE DELIVERY,
		"local key = ARGV[3] ~= '' and of_status(ARGV[3]) or P .. 'deliveries'\n"
		"local all = {}\n"
		"for _, id in ipairs(call('ZREVRANGE', key, 0, ARGV[4] - 1)) do\n"
		"  local d = call('HMGET', delivery(id), 'workflow', 'status',\n"
		"    'attempts', 'due', 'updated', 'document')\n"
		"  d[7] = id\n"
		"  all[#all + 1] = d\n"
		"end\n"
		"return all\n",
		true,
	},
	[SCRIPT_DELIVERY_EXPIRE] = {
		BASE DELIVERY,
		"local count = 0\n"
		"for _, status in ipairs({'delivered', 'dead'}) do\n"
		"  local old = call('ZRANGEBYSCORE', of_status(status), '-inf',\n"
		"    '(' .. ARGV[3], 'LIMIT', 0, ARGV[4])\n"
		"  for _, id in ipairs(old) do\n"
		"    call('ZREM', of_status(status), id)\n"
		"    call('ZREM', P .. 'deliveries', id)\n"
		"    call('DEL', delivery(id))\n"
		"  end\n"
		"  count = count + #old\n"
		"end\n"
		"return count\n",
		true,
	},
	[SCRIPT_IDEMPOTENCY_CLAIM] = {
		BASE,
		"local user, key, fingerprint, expires = unpack(ARGV, 3, 6)\n"
		"local k = P .. 'idempotency:' .. user .. ':' .. key\n"
		"local h = call('HMGET', k, 'fingerprint', 'request', 'answer')\n"
		"if h[1] then\n"
		"  return {h[2] == request and 1 or 0, h[1], h[3]}\n"
		"end\n"
		"call('HSET', k, 'fingerprint', fingerprint, 'request', request)\n"
		"call('PEXPIREAT', k, int(math.floor(expires / 1000)))\n"
		"return {1, fingerprint, false}\n",
		true,
	},
	[SCRIPT_IDEMPOTENCY_ANSWER] = {
		BASE,
		"local k = P .. 'idempotency:' .. ARGV[3] .. ':' .. ARGV[4]\n"
		"if call('EXISTS', k) == 0 then return 'missing' end\n"
		"call('HSET', k, 'answer', ARGV[5])\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_IDEMPOTENCY_RELEASE] = {
		BASE,
		"local k = P .. 'idempotency:' .. ARGV[3] .. ':' .. ARGV[4]\n"
		"if call('HEXISTS', k, 'answer') == 0 then call('DEL', k) end\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_USAGE_ADD] = {
		BASE,
		"call('LPUSH', 'api_usage:' .. ARGV[3], ARGV[4])\n"
		"call('ZADD', P .. 'usage_days', 0, ARGV[3])\n"
		"return 'ok'\n",
		false,
	},
	[SCRIPT_USAGE_LIST] = {
		BASE,
		"return call('LRANGE', 'api_usage:' .. ARGV[3], 0, ARGV[4] - 1)\n",
		true,
	},
	[SCRIPT_USAGE_EXPIRE] = {
		BASE,
		"local days = P .. 'usage_days'\n"
		"for _, date in ipairs(call('ZRANGEBYLEX', days, '-', '(' .. ARGV[3])) do\n"
		"  call('DEL', 'api_usage:' .. date)\n"
		"  call('ZREM', days, date)\n"
		"end\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_SPEND_RESERVE] = {
		BASE SPEND,
		"local id, workflow, user, date, step, micros, day_limit, limit =\n"
		"  unpack(ARGV, 3, 10)\n"
		"local old = call('HMGET', spend(id), 'workflow', 'user', 'date', 'micros')\n"
		"local today, used = totals(workflow, date)\n"
		"if old[3] == date then today = today - old[4] end\n"
		"if old[1] == workflow then used = used - old[4] end\n"
		"local function above(sum, max)\n"
		"  return max ~= '0' and sum + micros > tonumber(max)\n"
		"end\n"
		"if above(today, day_limit) then return {'day', int(today), int(used)} end\n"
		"if above(used, limit) then return {'workflow', int(today), int(used)} end\n"
		"if old[1] then add(old[1], old[2], old[3], -old[4]) end\n"
		"add(workflow, user, date, micros)\n"
		"call('HSET', spend(id), 'workflow', workflow, 'user', user, 'date', date,\n"
		"  'step', step, 'micros', micros)\n"
		"call('EXPIRE', spend(id), KEEP_S)\n"
		"return {'ok', int(today + micros), int(used + micros)}\n",
		true,
	},
	[SCRIPT_SPEND_SETTLE] = {
		BASE SPEND,
		"local id, micros = ARGV[3], ARGV[4]\n"
		"local old = call('HMGET', spend(id), 'workflow', 'user', 'date', 'micros')\n"
		"if not old[1] then return {'missing', '0', '0'} end\n"
		"add(old[1], old[2], old[3], micros - old[4])\n"
		"call('HSET', spend(id), 'micros', micros)\n"
		"local today, used = totals(old[1], old[3])\n"
		"return {'ok', int(today), int(used)}\n",
		true,
	},
	[SCRIPT_SPEND_SUM] = {
		BASE SPEND,
		"local date, user, workflow = unpack(ARGV, 3, 5)\n"
		"local key, field = P .. 'spend_all', user ~= '' and user or '*'\n"
		"if workflow ~= '' then\n"
		"  key = of_workflow(workflow)\n"
		"  field = (date ~= '' and date or '*') .. ' ' .. field\n"
		"elseif date ~= '' then\n"
		"  key = day(date)\n"
		"end\n"
		"return call('HGET', key, field) or '0'\n",
		true,
	},
	[SCRIPT_JOB_PUT] = {
		BASE,
		"local id, user, status, document = unpack(ARGV, 3, 6)\n"
		"local k = P .. 'job:' .. id\n"
		"local h = call('HMGET', k, 'user', 'status')\n"
		"if h[1] and (h[1] ~= user or\n"
		"    (h[2] == 'done' and status == 'running')) then\n"
		"  return 'conflict'\n"
		"end\n"
		"local t = int(now())\n"
		"call('HSET', k, 'user', user, 'status', status, 'updated', t,\n"
		"  'document', document)\n"
		"if h[2] and h[2] ~= status then\n"
		"  call('ZREM', P .. 'jobs:' .. h[2], id)\n"
		"end\n"
		"call('ZADD', P .. 'jobs:' .. status, t, id)\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_JOB_GET] = {
		BASE,
		"local j = call('HMGET', P .. 'job:' .. ARGV[3], 'user', 'status',\n"
		"  'document')\n"
		"return j[1] and j\n",
		true,
	},
	[SCRIPT_JOB_LIST_RUNNING] = {
		BASE,
		"local all = {}\n"
		"for _, id in ipairs(call('ZRANGE', P .. 'jobs:running', 0, -1)) do\n"
		"  all[#all + 1] = {id, call('HGET', P .. 'job:' .. id, 'document')}\n"
		"end\n"
		"return all\n",
		true,
	},
	[SCRIPT_JOB_EXPIRE] = {
		BASE,
		"local old = call('ZRANGEBYSCORE', P .. 'jobs:done', '-inf',\n"
		"  '(' .. ARGV[3], 'LIMIT', 0, ARGV[4])\n"
		"for _, id in ipairs(old) do\n"
		"  call('ZREM', P .. 'jobs:done', id)\n"
		"  call('DEL', P .. 'job:' .. id)\n"
		"end\n"
		"return #old\n",
		true,
	},
	[SCRIPT_COUNTER_HIT] = {
		BASE COUNTER,
		"local count, left = hit(ARGV[3], ARGV[4] * 1000)\n"
		"return {count, left}\n",
		false,
	},
	[SCRIPT_COUNTER_CLEAR] = {
		BASE,
		"call('DEL', ARGV[3])\n"
		"return 'ok'\n",
		true,
	},
	[SCRIPT_SETTING_GET] = {
		BASE,
		"return call('GET', P .. 'setting:' .. ARGV[3])\n",
		true,
	},
	[SCRIPT_SETTING_PUT] = {
		BASE,
		"local k, value, replace = P .. 'setting:' .. ARGV[3], ARGV[4], ARGV[5]\n"
		"if replace == '1' or call('SETNX', k, value) == 1 then\n"
		"  if replace == '1' then call('SET', k, value) end\n"
		"  return 'ok'\n"
		"end\n"
		"return is_repeat and call('GET', k) == value and 'ok' or 'conflict'\n",
		true,
	},
};
