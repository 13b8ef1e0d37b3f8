"""Room on the disk: what episodes take, and what of the older ones can go."""

from __future__ import annotations

import pytest

from flows.studio.errors import StudioError
from flows.studio.workspace import disk_usage, files, folder


@pytest.fixture
def begin(tmp_path):
    """Begins an episode with a clip, a voice, a segment and their recipes; filmed if that is wanted."""

    def begun(show: str, code: str, *, film=True):
        episode = folder.EpisodeFolder(tmp_path / show / code, folder.parse_code(code))
        for place, name in ((episode.clips, "a.mp4"), (episode.voices, "b.wav"), (episode.segments, "c.mp4")):
            place.mkdir(parents=True)
            (place / name).write_bytes(b"x" * 1000)
            (place / name).with_suffix(".json").write_text("{}", "utf-8")
        episode.script.write_text("title: x\n", "utf-8")
        files.write_json(episode.manifest, {})
        if film:
            episode.film.write_bytes(b"y" * 500)
        return episode

    return begun


def test_all_but_the_newest_of_every_show_lose_what_can_be_made_again(begin, tmp_path):
    old, new = begin("one", "s01e09"), begin("one", "s01e10")
    other = begin("two", "s01e01")
    (removal,) = disk_usage.removable_files(tmp_path, keep=1)
    assert removal.episode == old
    assert removal.num_bytes == 3000
    disk_usage.remove(removal)
    assert sorted(path.name for path in old.root.rglob("*") if path.is_file() and path.name != ".lock") == [
        "a.json",
        "b.json",
        "c.json",
        "episode.mp4",
        "manifest.json",
        "script.yaml",
    ]
    assert (new.clips / "a.mp4").exists()
    assert (other.clips / "a.mp4").exists()


def test_keeping_none_takes_all_and_keeping_many_takes_nothing(begin, tmp_path):
    begin("one", "s01e01")
    assert len(disk_usage.removable_files(tmp_path, keep=0)) == 1
    assert disk_usage.removable_files(tmp_path, keep=5) == ()


def test_an_episode_without_a_film_is_left_whole(begin, tmp_path):
    begin("one", "s01e01", film=False)
    begin("one", "s01e02")
    assert disk_usage.removable_files(tmp_path, keep=1) == ()


def test_an_episode_that_is_being_worked_on_is_left_alone(begin, tmp_path):
    old = begin("one", "s01e01")
    (removal,) = disk_usage.removable_files(tmp_path, keep=0)
    with folder.locked(old), pytest.raises(StudioError, match="is being worked on"):
        disk_usage.remove(removal)
    assert (old.clips / "a.mp4").exists()


def test_the_next_episode_is_expected_to_be_as_large_as_the_last_ones(begin, tmp_path):
    assert disk_usage.next_episode_bytes(tmp_path, "one") == folder.MIN_FREE_BYTES
    sizes = [disk_usage.folder_bytes(begin("one", f"s01e0{n}").root) for n in (1, 2, 3, 4)]
    assert disk_usage.next_episode_bytes(tmp_path, "one") == sum(sizes[1:]) // 3


def test_a_size_reads_as_people_say_it():
    assert [disk_usage.format_bytes(size) for size in (0, 340e6, 999.4e6, 1.26e9)] == [
        "0 MB",
        "340 MB",
        "999 MB",
        "1.3 GB",
    ]
