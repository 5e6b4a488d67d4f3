def to_number(word):
    try:
        return int(word)
    except ValueError:
        return None
