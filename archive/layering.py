"""Order in a graph: how far each node stands from where the arrows begin.  Pure.

What must be redone is told by it in order, and the drawn graph gets its columns from it.
"""

from collections import deque
from collections.abc import Iterable, Sequence

__all__ = ["layers"]


def layers(nodes: Sequence[str], arrows: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return for each node the length of the longest path of arrows that leads to it.

    A record that goes in a circle is wrong, but it is recorded: the circle is cut before the first of its nodes,
    in the order of ``nodes``.  Arrows from or to other nodes count for nothing.
    """
    after: dict[str, list[str]] = {node: [] for node in nodes}
    waits_for = dict.fromkeys(nodes, 0)
    for begin, end in dict.fromkeys(arrows):
        if begin in after and end in after and begin != end:
            after[begin].append(end)
            waits_for[end] += 1
    layer = dict.fromkeys(nodes, 0)
    ready = deque(node for node in nodes if not waits_for[node])
    done: set[str] = set()
    for left in (*nodes, None):
        while ready:
            node = ready.popleft()
            done.add(node)
            for following in after[node]:
                waits_for[following] -= 1
                if following not in done:
                    layer[following] = max(layer[following], layer[node] + 1)
                    if not waits_for[following]:
                        ready.append(following)
        if left is not None and left not in done:
            ready.append(left)
    return layer
