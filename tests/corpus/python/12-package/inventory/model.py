from dataclasses import asdict, dataclass


@dataclass(order=True)
class Item:
    sku: str
    count: int = 0
    tags: tuple = ()

    def to_json(self):
        return {**asdict(self), "tags": list(self.tags)}

    @classmethod
    def from_json(cls, data):
        return cls(data["sku"], data["count"], tuple(data.get("tags", ())))
