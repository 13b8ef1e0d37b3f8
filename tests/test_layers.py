"""Who may import whom, read from the source; the sizes of folders and files; what starts quickly."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).resolve().parent.parent
GRAPH = house.module_graph(ROOT)
MOST_MODULES = 14  # in a folder, `__init__` aside
MOST_LINES = 600  # in a file

# From the top of the house to its ground, a floor a line: a room imports only rooms of lower floors. A name
# stands for itself and everything below it, unless a longer name says otherwise.
FLOORS = (
    {"flows.__main__", "flows.install", "flows.worker"},
    {"flows.cli"},
    {"flows.api.server"},
    {"flows.api.routes"},
    {"flows.api.pages"},
    {"flows.api.live"},
    {"flows.api.clips"},
    {"flows.api.storyboard"},
    {"flows.api.jobs"},
    {"flows.batch", "flows.meme"},
    {"flows.episode"},
    {"flows.tasks"},
    {"flows.orchestration"},
    {"flows.studio.commands"},
    {"flows.studio.production"},
    {"flows.studio.farm"},
    {"flows.studio.release", "flows.studio.sound", "flows.studio.picture"},
    {"flows.studio.filming", "flows.studio.timeline"},
    {"flows.studio.voice"},
    {"flows.studio.acting", "flows.studio.hosted"},
    {"flows.studio.media"},
    {"flows.studio.workspace", "flows.studio.typography", "flows.studio.cameras", "flows.studio.terminal"},
    {"flows.studio.errors", "flows.studio.rates"},
    {"scripts_llm.llm_writer", "scripts_llm.offline_writer", "scripts_llm.editing"},
    {"scripts_llm.llm"},
    {"scripts_llm.files"},
    {"scripts_llm.screenplay"},
    {"scripts_llm.clauses"},
    {"scripts_llm.russian_agreement"},
    {"scripts_llm.russian", "scripts_llm.english", "scripts_llm.plain_text"},
    {"scripts_llm.errors"},
    {"t2v.training"},
    {"t2v"},  # the door: load, plan, save
    {"t2v.loading", "t2v.guests"},
    {"t2v.pipeline", "t2v.judge", "t2v.enlarge"},
    {"t2v.sampling", "t2v.memory"},
    {"t2v.checkpoints"},
    {"t2v.networks"},
    {"t2v.toon.acting"},
    {"t2v.toon.direction"},
    {"t2v.toon.drawing", "t2v.toon.prompts"},
    {"t2v.toon.world"},
    {"t2v.configs"},
    {"t2v.errors"},
    {
        "templates",
        "flows",
        "flows.api",
        "flows.studio",
        "scripts_llm",
        "t2v.toon",
    },  # empty packages, and data
)
# Not even downwards.
BARRED = {
    "flows.studio.filming": {"flows.studio.voice"},
    "scripts_llm.offline_writer": {"scripts_llm.llm"},
    "scripts_llm": {"t2v"},
    "t2v.toon": {"t2v.networks"},
}
# The only modules of flows that know t2v: the door to film models, those that know TOON, training, enlarging.
KNOW_T2V = {
    "flows.studio.acting.directing",
    "flows.studio.acting.stage_directions",
    "flows.studio.filming.staging",
    "flows.studio.filming.models",
    "flows.studio.filming.local.guests",
    "flows.studio.filming.local.t2v_errors",
    "flows.studio.filming.vocabulary",
    "flows.studio.filming.auto_takes",
    "flows.studio.commands.train",
    "flows.studio.picture.upscaler",
}
SERVER = {"fastapi", "starlette", "uvicorn"}
# Packages of others that a room does without.
FOREIGN = {
    "t2v": {"prefect", "moviepy", "imageio_ffmpeg", "jinja2", "pydantic"},
    "t2v.toon": {"torch"},
    "scripts_llm": {"torch", "prefect", "numpy"},
    "flows": {"torch"},
    "flows.studio": {"prefect", "cyclopts", *SERVER},
    "flows.api": {"prefect", "cyclopts"},
    "flows.worker": {"prefect", *SERVER},
    "flows.api.jobs": SERVER,
    "flows.api.storyboard": SERVER,
    "flows.api.clips": SERVER,
}
# Packages of others that one room alone knows.
ALONE = {"distributed": "flows.studio.farm", "dask": "flows.studio.farm", "cryptography": "flows.studio.farm"}
VAGUE = {"utils", "util", "helpers", "common", "misc", "core", "base"}


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def floor_of(module: str) -> int:
    """The number of a module's floor, from the top."""
    rooms = [
        (len(room), floor) for floor, names in enumerate(FLOORS) for room in names if is_in(module, room)
    ]
    assert rooms, f"{module} is on no floor"
    return max(rooms)[1]


def room_of(module: str) -> str:
    return max((room for names in FLOORS for room in names if is_in(module, room)), key=len)


def test_a_room_imports_only_rooms_of_lower_floors():
    climbs = [
        f"{module} -> {other}"
        for module, imports in GRAPH.items()
        for other in imports
        if room_of(module) != room_of(other) and floor_of(module) >= floor_of(other)
    ]
    assert climbs == []


@pytest.mark.parametrize("room", BARRED)
def test_some_rooms_do_without_some_lower_ones(room):
    inside = [module for module in GRAPH if is_in(module, room)]
    assert inside
    barred = [
        f"{module} -> {other}"
        for module in inside
        for other in GRAPH[module]
        if any(is_in(other, each) for each in BARRED[room])
    ]
    assert barred == []


def test_scripts_know_nothing_of_film_models_and_film_models_nothing_of_anybody():
    for package in ("scripts_llm", "t2v"):
        foreign = [
            f"{module} -> {other}"
            for module, imports in GRAPH.items()
            for other in imports
            if is_in(module, package) and not is_in(other, package) and not is_in(other, "templates")
        ]
        assert foreign == []


def test_one_door_to_film_models():
    others = [
        module
        for module, imports in GRAPH.items()
        if is_in(module, "flows") and module not in KNOW_T2V and any(is_in(each, "t2v") for each in imports)
    ]
    assert others == []


def test_no_command_imports_another():
    commands = [module for module in GRAPH if is_in(module, "flows.studio.commands")]
    assert [
        f"{a} -> {b}" for a in commands for b in GRAPH[a] if b in commands and b != "flows.studio.commands"
    ] == []


def test_no_circle_of_files_and_none_of_folders():
    assert house.circles(GRAPH) == []
    rooms = {module: room_of(module) for module in GRAPH}
    folders = {
        room: frozenset(rooms[other] for module in GRAPH if rooms[module] == room for other in GRAPH[module])
        - {room}
        for room in set(rooms.values())
    }
    assert house.circles(folders) == []


@pytest.mark.parametrize("room", FOREIGN)
def test_rooms_do_without_some_packages(room):
    paths = house.sources(ROOT, room.replace(".", "/"))
    assert paths
    used = {
        str(path.relative_to(ROOT)): bad
        for path in paths
        if (bad := FOREIGN[room] & {name.partition(".")[0] for name in house.imported_names(path)})
    }
    assert used == {}


@pytest.mark.parametrize("package", ALONE)
def test_some_packages_are_known_in_one_room_alone(package):
    users = {
        house.module_name(ROOT, path)
        for path in house.sources(ROOT)
        if package in {name.partition(".")[0] for name in house.imported_names(path)}
    }
    assert users
    assert [module for module in users if not is_in(module, ALONE[package])] == []


@pytest.mark.parametrize(
    "package",
    [
        "t2v",
        "scripts_llm",
        "flows",
        "flows.cli.app",
        "flows.studio.production.messages",
        "flows.api.server.app",
        "flows.studio.farm.head",
    ],
)
def test_importing_a_package_imports_neither_torch_nor_prefect(package):
    heavy = "{'torch', 'prefect', 'moviepy', 'distributed'}"
    check = f"import sys, {package}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_no_folder_is_a_hall():
    sizes = Counter(path.parent.relative_to(ROOT) for path in house.sources(ROOT) if path.stem != "__init__")
    assert {str(folder): size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_no_file_is_longer_than_one_reader_holds_in_mind():
    lengths = {str(path.relative_to(ROOT)): house.num_lines([path]) for path in house.sources(ROOT)}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_no_file_is_named_after_nothing():
    assert [path for path in house.sources(ROOT) if path.stem in VAGUE] == []
