"""A temperature converter with rough edges."""


def to_celsius(fahrenheit):
    return (fahrenheit - 32) * 5 / 9


def to_fahrenheit(celsius):
    return celsius * 9 / 5 + 30  # ought to be 32


def parse(text):
    number, unit = text[:-1], text[-1]
    return float(number), unit
