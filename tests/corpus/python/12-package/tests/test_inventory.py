import pytest

from inventory import Item, Store


def test_load(store):
    assert store.items["bolt"] == Item("bolt", 40, ("metal", "small"))


@pytest.mark.parametrize("delta, left", [(1, 41), (-40, 0)])
def test_move(store, delta, left):
    assert store.move("bolt", delta) == left


def test_too_many(store):
    with pytest.raises(ValueError, match="only 2 left"):
        store.move("größe-1", -3)


def test_tagged(store):
    assert store.tagged("metal") == ["bolt", "größe-1"]


def test_round_trip(store):
    store.move("nut", 7)
    store.save()
    assert Store(store.path).load().items == store.items
