from solution import (from_gray, gray, lowest_set, next_power_of_two, popcount,
                      reverse, rotate_left)


def test_popcount():
    assert all(popcount(x) == bin(x).count("1") for x in (0, 1, 0xFF00FF, 0xFFFFFFFF))


def test_reverse():
    assert reverse(1) == 0x80000000
    assert reverse(reverse(0x12345678)) == 0x12345678


def test_rotate():
    assert rotate_left(0x80000001, 4) == 0x18


def test_next_power():
    assert next_power_of_two(65537) == 131072


def test_small_next_power():
    assert next_power_of_two(200) == 256


def test_gray_steps_by_one_bit():
    assert all(popcount(gray(n) ^ gray(n + 1)) == 1 for n in range(255))


def test_from_gray():
    assert [from_gray(gray(n)) for n in range(16)] == list(range(16))


def test_lowest():
    assert lowest_set(0b101000) == 0b1000
