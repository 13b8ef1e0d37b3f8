"""continuity.yaml: entries go in, everything else stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts_llm.errors import ScriptError
from scripts_llm.files.continuity import entry_rows, read_continuity, read_entry, save_entry
from scripts_llm.screenplay.continuity import Continuity, ContinuityEntry

FIRST = ContinuityEntry(
    episode="s01e01",
    title="Another Gerald",
    happened="Joe loses a fish: the wrong one.",
    gags={"the fish blinks": 2},
    promised=("Mrs. Pike comes back",),
    jokes=("Everything blinks, Joe.",),
)
SECOND = ContinuityEntry(episode="s01e02", title="No", happened="yes")

BY_HAND = """\
# our show
schema: 1
episodes:
  # the pilot
  - episode: s01e01
    title: "Another Gerald"   # working title
    happened: Joe loses a fish.

  - {episode: s01e03, title: 'Later', happened: nothing}
# the end
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "continuity.yaml"


def test_a_show_without_a_file_remembers_nothing(path):
    assert read_continuity(path) == Continuity()


def test_a_file_is_made_that_explains_itself_and_reads_back(path):
    save_entry(path, SECOND, show="Joe\nand the Don")
    save_entry(path, FIRST, show="Joe and the Don")
    assert read_continuity(path).episodes == (FIRST, SECOND)
    assert path.read_text("utf-8").startswith("# What happened so far in Joe and the Don: ")
    assert "This file is yours" in path.read_text("utf-8")


def test_an_entry_goes_between_the_others_and_every_other_line_stays(path):
    path.write_text(BY_HAND, "utf-8")
    save_entry(path, SECOND, show="x")
    after = path.read_text("utf-8")
    assert [told.episode for told in read_continuity(path).episodes] == ["s01e01", "s01e02", "s01e03"]
    added = "".join(f"  {'- ' if i == 0 else '  '}{row}\n" for i, row in enumerate(entry_rows(SECOND))) + "\n"
    assert after.replace(added, "") == BY_HAND


def test_an_entry_takes_the_place_of_the_one_it_had(path):
    path.write_text(BY_HAND, "utf-8")
    save_entry(path, FIRST, show="x")
    after = path.read_text("utf-8")
    assert read_entry(path, "s01e01") == FIRST
    assert "working title" not in after
    for kept in ("# our show\n", "  # the pilot\n", "  - {episode: s01e03, ", "# the end\n"):
        assert kept in after


def test_a_file_of_the_head_alone_takes_its_first_entry(path):
    path.write_text("# mine\nschema: 1\nepisodes:\n", "utf-8")
    save_entry(path, FIRST, show="x")
    assert path.read_text("utf-8").startswith("# mine\nschema: 1\nepisodes:\n  - episode: s01e01\n")


def test_what_is_wrong_is_told_with_line_and_column_and_the_file_stays(path):
    path.write_text(BY_HAND.replace("title: 'Later'", "titel: 'Later'"), "utf-8")
    before = path.read_bytes()
    with pytest.raises(ScriptError, match=r"continuity\.yaml:9:23.*title"):
        save_entry(path, FIRST, show="x")
    assert path.read_bytes() == before


def test_yaml_that_is_too_clever_is_refused_and_stays(path):
    path.write_text("schema: 1\nepisodes: [{episode: s01e01, title: A, happened: b}]\n", "utf-8")
    before = path.read_bytes()
    with pytest.raises(ScriptError, match="too clever"):
        save_entry(path, SECOND, show="x")
    assert path.read_bytes() == before


WORDS = st.text(min_size=1, max_size=40).map(str.strip).filter(lambda text: text and text.isprintable())


@given(
    st.lists(
        st.builds(
            ContinuityEntry,
            episode=st.integers(1, 12).map(lambda number: f"s01e{number:02d}"),
            title=WORDS,
            happened=WORDS,
            promised=st.lists(WORDS, max_size=2).map(tuple),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_happened_is_read_back_as_it_was_told(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("show") / "continuity.yaml"
    wanted = Continuity()
    for told in entries:
        save_entry(path, told, show="x")
        wanted = wanted.with_episode(told)
    assert read_continuity(path) == wanted
