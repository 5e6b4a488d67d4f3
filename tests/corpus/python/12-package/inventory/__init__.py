"""A stock keeper whose state is one JSON file."""
from .model import Item
from .store import Store

__all__ = ["Item", "Store"]
