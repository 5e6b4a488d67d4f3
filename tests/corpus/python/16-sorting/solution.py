"""Sorting by hand; every function returns a new list."""
import heapq
import random


def insertion_sort(items):
    result = []
    for item in items:
        at = len(result)
        while at and result[at - 1] > item:
            at -= 1
        result.insert(at, item)
    return result


def merge_sort(items):
    if len(items) < 2:
        return list(items)
    middle = len(items) // 2
    left, right = merge_sort(items[:middle]), merge_sort(items[middle:])
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if right[j] < left[i]:
            result.append(right[j])
            j += 1
        else:
            result.append(left[i])
            i += 1
    return result + left[i:] + right[j:]


def quick_sort(items):
    if len(items) < 2:
        return list(items)
    pivot = random.choice(items)
    return (
        quick_sort([x for x in items if x < pivot])
        + [x for x in items if x == pivot]
        + quick_sort([x for x in items if pivot < x])
    )


def heap_sort(items):
    heap = list(items)
    heapq.heapify(heap)
    return [heapq.heappop(heap) for _ in range(len(heap))]


def counting_sort(items):
    if not items:
        return []
    low = min(items)
    counts = [0] * (max(items) - low + 1)
    for item in items:
        counts[item - low] += 1
    return [i + low for i, n in enumerate(counts) for _ in range(n)]
