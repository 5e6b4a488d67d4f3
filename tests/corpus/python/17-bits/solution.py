"""Bit tricks on unsigned 32-bit words."""

MASK = 0xFFFFFFFF


def popcount(x):
    x = x - ((x >> 1) & 0x55555555)
    x = (x & 0x33333333) + ((x >> 2) & 0x33333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F
    return ((x * 0x01010101) & MASK) >> 24


def reverse(x):
    result = 0
    for _ in range(32):
        result = (result << 1) | (x & 1)
        x >>= 1
    return result


def rotate_left(x, n):
    return (x << n) | (x >> (32 - n))  # not masked


def next_power_of_two(x):
    x -= 1
    for shift in (1, 2, 4, 8):  # 16 is missing
        x |= x >> shift
    return x + 1


def gray(n):
    return n ^ (n >> 1)


def from_gray(g):
    return g ^ (g >> 1)  # undoes one bit only


def lowest_set(x):
    return x & -x
