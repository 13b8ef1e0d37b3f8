"""Counts of the floor plan: `python tests/house.py [CHECKOUT]` prints rooms, floors and arrows of the source.

A room is a folder of modules, an arrow an import from one room to another, a floor a room's distance to the
rooms that import nothing. Imports in functions and those for type checkers count like all others.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

PACKAGES = ("flows", "scripts_llm", "t2v", "templates")
Graph = Mapping[str, frozenset[str]]  # names to the names that they import


def sources(root: Path, folder: str = "") -> list[Path]:
    """The modules below a folder of the checkout, or of all packages."""
    folders = [folder] if folder else PACKAGES
    return sorted(path for each in folders for path in (root / each).rglob("*.py"))


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(root: Path, path: Path) -> str:
    """`flows.studio.errors`; a package by its own name."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported_names(path: Path) -> list[str]:
    """Everything that a module imports, dotted; of `from a import b` both a and a.b."""
    names: list[str] = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def module_graph(root: Path) -> Graph:
    """Our modules, each with those of ours that it imports."""
    modules = {module_name(root, path): path for path in sources(root)}

    def known(name: str) -> str | None:
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name or None

    return {
        module: frozenset(
            found for name in imported_names(path) if (found := known(name)) and found != module
        )
        for module, path in modules.items()
    }


def room_of(root: Path, module: str) -> str:
    """The folder of a module as a dotted name; a package's `__init__` is in its own room."""
    path = root.joinpath(*module.split("."))
    return module if path.is_dir() else module.rpartition(".")[0]


def room_graph(root: Path, graph: Graph) -> Graph:
    """Our rooms, each with the other rooms that it imports from."""
    rooms: dict[str, set[str]] = {}
    for module, imports in graph.items():
        room = rooms.setdefault(room_of(root, module), set())
        room |= {room_of(root, each) for each in imports} - {room_of(root, module)}
    return {room: frozenset(imports) for room, imports in rooms.items()}


def circles(graph: Graph) -> list[list[str]]:
    """The groups of names that import each other, directly or through others."""
    reached = {name: _reached(graph, name) for name in graph}
    groups = {
        frozenset(other for other in names if name in reached.get(other, ()))
        for name, names in reached.items()
        if name in names
    }
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reached(graph: Graph, start: str) -> set[str]:
    """Every name that `start` imports, directly or through others."""
    reached: set[str] = set()
    names = list(graph[start])
    while names:
        name = names.pop()
        if name not in reached:
            reached.add(name)
            names += graph.get(name, ())
    return reached


def floors(graph: Graph) -> int:
    """The number of names on the longest way of imports; members of a circle count as one."""
    member = {name: group[0] for group in circles(graph) for name in group}

    @cache
    def height(name: str) -> int:
        group = [each for each in graph if member.get(each, each) == name]
        below = {member.get(each, each) for one in group for each in graph[one]} - {name}
        return 1 + max((height(each) for each in below), default=0)

    return max(height(member.get(name, name)) for name in graph)


def num_lines(paths: Iterable[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def report(root: Path) -> str:
    """The counts as a table, a package a row and all together last."""
    graph = module_graph(root)
    rows = []
    for package in (*PACKAGES[:3], ""):
        inside = {name: imports for name, imports in graph.items() if name.startswith(package)}
        graph_of = {name: frozenset(imports & inside.keys()) for name, imports in inside.items()}
        rooms = room_graph(root, graph_of)
        folders = [path.parent for path in sources(root, package) if path.name != "__init__.py"]
        rows.append(
            (
                package or "all",
                len(inside),
                len(rooms),
                max(folders.count(folder) for folder in set(folders)),
                floors(graph_of),
                floors(rooms),
                sum(map(len, graph_of.values())),
                sum(map(len, rooms.values())),
                len(circles(graph_of)),
                len(circles(rooms)),
                num_lines(sources(root, package)),
            )
        )
    heads = ("", "modules", "rooms", "largest", "floors", "floors of rooms", "arrows", "between rooms")
    heads += ("circles", "of rooms", "lines")
    widths = [max(len(str(row[i])) for row in (heads, *rows)) for i in range(len(heads))]
    lines = [
        "  ".join(str(cell).rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]
    tests = num_lines(sorted((root / "tests").rglob("*.py")))
    return "\n".join([*lines, f"tests: {tests} lines"])


if __name__ == "__main__":
    sys.stdout.write(report(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()) + "\n")
