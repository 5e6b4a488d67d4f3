/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo_programs.c - what the demo runs: one honest program with its tests, and
 * a few that attack the machine they run on.
 */
#include "tools/promptcraft/demo.h"

const char demo_goal[] =
	"A token bucket that limits how often a client may call, with tests";

const char demo_code[] =
	"\"\"\"A token bucket: bursts up to a size, then a steady rate.\"\"\"\n"
	"import time\n"
	"\n"
	"\n"
	"class TokenBucket:\n"
	"    def __init__(self, rate, size, clock=time.monotonic):\n"
	"        if rate <= 0 or size < 1:\n"
	"            raise ValueError('rate must be above 0, size at least "
	"1')\n"
	"        self.rate = rate\n"
	"        self.size = size\n"
	"        self._clock = clock\n"
	"        self._tokens = float(size)\n"
	"        self._at = clock()\n"
	"\n"
	"    def _refill(self):\n"
	"        now = self._clock()\n"
	"        gained = (now - self._at) * self.rate\n"
	"        self._tokens = min(self.size, self._tokens + gained)\n"
	"        self._at = now\n"
	"\n"
	"    def take(self, count=1):\n"
	"        \"\"\"Take count tokens if they are there; all or "
	"none.\"\"\"\n"
	"        self._refill()\n"
	"        if count > self._tokens:\n"
	"            return False\n"
	"        self._tokens -= count\n"
	"        return True\n"
	"\n"
	"    def wait_time(self, count=1):\n"
	"        \"\"\"Seconds until take(count) would succeed.\"\"\"\n"
	"        if count > self.size:\n"
	"            raise ValueError('more than the bucket holds')\n"
	"        self._refill()\n"
	"        return max(0.0, (count - self._tokens) / self.rate)\n";

const char demo_tests[] =
	"import unittest\n"
	"\n"
	"from solution import TokenBucket\n"
	"\n"
	"\n"
	"class Clock:\n"
	"    now = 100.0\n"
	"\n"
	"    def __call__(self):\n"
	"        return self.now\n"
	"\n"
	"\n"
	"class TokenBucketTest(unittest.TestCase):\n"
	"    def setUp(self):\n"
	"        self.clock = Clock()\n"
	"        self.bucket = TokenBucket(2, 5, self.clock)\n"
	"\n"
	"    def test_burst_up_to_size(self):\n"
	"        taken = [self.bucket.take() for _ in range(6)]\n"
	"        self.assertEqual(taken, [True] * 5 + [False])\n"
	"\n"
	"    def test_refills_at_rate(self):\n"
	"        self.bucket.take(5)\n"
	"        self.clock.now += 1.0\n"
	"        self.assertTrue(self.bucket.take(2))\n"
	"        self.assertFalse(self.bucket.take())\n"
	"\n"
	"    def test_never_holds_more_than_size(self):\n"
	"        self.clock.now += 3600\n"
	"        self.assertFalse(self.bucket.take(6))\n"
	"        self.assertTrue(self.bucket.take(5))\n"
	"\n"
	"    def test_all_or_none(self):\n"
	"        self.bucket.take(4)\n"
	"        self.assertFalse(self.bucket.take(2))\n"
	"        self.assertTrue(self.bucket.take(1))\n"
	"\n"
	"    def test_wait_time(self):\n"
	"        self.bucket.take(5)\n"
	"        self.assertAlmostEqual(self.bucket.wait_time(3), 1.5)\n"
	"        self.clock.now += 1.5\n"
	"        self.assertTrue(self.bucket.take(3))\n"
	"\n"
	"    def test_wrong_arguments(self):\n"
	"        for rate, size in ((0, 1), (-1, 1), (1, 0)):\n"
	"            with self.subTest(rate=rate, size=size):\n"
	"                with self.assertRaises(ValueError):\n"
	"                    TokenBucket(rate, size)\n"
	"        with self.assertRaises(ValueError):\n"
	"            self.bucket.wait_time(6)\n";

static const char thief_code[] =
	"import ctypes, os, socket\n"
	"\n"
	"def attempt(name, call):\n"
	"    try:\n"
	"        call()\n"
	"        print(name, 'SUCCEEDED')\n"
	"    except Exception as error:\n"
	"        print(name, 'refused:', error)\n"
	"\n"
	"libc = ctypes.CDLL(None, use_errno=True)\n"
	"\n"
	"def libc_call(name, *args):\n"
	"    if getattr(libc, name)(*args) == -1:\n"
	"        raise OSError(ctypes.get_errno(), os.strerror("
	"ctypes.get_errno()))\n"
	"\n"
	"attempt('read /etc/shadow', lambda: open('/etc/shadow').read())\n"
	"attempt('list /etc', lambda: os.listdir('/etc'))\n"
	"attempt('mount', lambda: libc_call('mount', b'none', b'/tmp', "
	"b'tmpfs', 0, None))\n"
	"attempt('trace PID 1', lambda: libc_call('ptrace', 16, 1, 0, 0))\n"
	"attempt('connect out', lambda: socket.create_connection("
	"('1.1.1.1', 53), 1))\n"
	"attempt('become root', lambda: os.setuid(0))\n"
	"print('end of the attack')\n";

static const char bomb_code[] = "import os\n"
				"while True:\n"
				"    try:\n"
				"        os.fork()\n"
				"    except OSError:\n"
				"        pass\n";

const struct demo_attack demo_attacks[] = {
	{
		.title = "steals files, mounts, traces, connects, wants root",
		.code = thief_code,
		.reason = "denied",
		.denied_call = "mount",
		.said = "end of the attack",
	},
	{
		.title = "a fork bomb",
		.code = bomb_code,
		.reason = "pids",
	},
};
const size_t demo_attacks_len = sizeof(demo_attacks) / sizeof(demo_attacks[0]);
