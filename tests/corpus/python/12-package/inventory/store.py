import json

from .model import Item


class Store:
    def __init__(self, path):
        self.path = path
        self.items = {}

    def load(self):
        with open(self.path, encoding="utf-8") as file:
            for data in json.load(file)["items"]:
                self.items[data["sku"]] = Item.from_json(data)
        return self

    def save(self):
        data = {"items": [item.to_json() for item in sorted(self.items.values())]}
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1)

    def move(self, sku, delta):
        item = self.items.setdefault(sku, Item(sku))
        if item.count + delta < 0:
            raise ValueError(f"{sku}: only {item.count} left")
        item.count += delta
        return item.count

    def tagged(self, tag):
        return sorted(i.sku for i in self.items.values() if tag in i.tags)
