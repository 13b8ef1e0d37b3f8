"""Upscaling is a step of its own: another upscaler enlarges again and films nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media.clips import read_clip, write_clip
from flows.studio.picture import render, upscaler
from flows.studio.picture.fit import fit_frame
from flows.studio.picture.render import RenderOptions, render_segment
from flows.studio.picture.upscale import missing, plan_upscales, upscale_clip
from flows.studio.picture.upscaler import ACNET, LANCZOS, Upscaler
from flows.studio.timeline.model import PictureCut, Span, Timeline
from scripts_llm.screenplay.video import Video

SIZE = (448, 256)


def drawn(num_frames=6):
    """A disc that moves over a ground of two colours."""
    y, x = np.mgrid[0:64, 0:112]
    frames = np.zeros((num_frames, 64, 112, 3), np.uint8)
    for n, frame in enumerate(frames):
        frame[:] = np.where(y[..., None] < 40, (120, 180, 230), (90, 150, 70))
        frame[(x - 30 - 6 * n) ** 2 + (y - 32) ** 2 < 200] = (230, 90, 40)
    return frames


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clips" / "s01.1-3fa94c1e.mp4"
    write_clip(drawn(), 8, path)
    return path


def cut(clip, **more):
    frames = tuple(n // 3 for n in range(18))
    return PictureCut("s01", "s01.1", 0, 18, clip=clip, frames=frames, **more)


def film(clip):
    return Timeline(*SIZE, (Span("s01", 0, 18, "scene"),), (cut(clip),), (), (), (), ())


def enlarged(frame, doublings):
    return np.repeat(np.repeat(frame, 2**doublings, axis=0), 2**doublings, axis=1)


def test_each_drawn_clip_is_planned_once_as_large_as_the_film_wants_it(clip):
    cuts = [cut(clip), cut(clip), cut(clip, source="model"), cut(None, card="gag")]
    (plan,) = plan_upscales(cuts, SIZE, own=ACNET)
    assert (plan.label, plan.doublings, plan.recipe["scale"]) == ("s01.1", 2, 4)
    assert plan_upscales(cuts, (112, 64), own=ACNET) == ()
    assert plan_upscales(cuts, SIZE, own=LANCZOS) == ()
    assert plan_upscales(cuts, SIZE, own=ACNET, watermark="crop") == ()
    assert plan_upscales(cuts, SIZE, own=ACNET, framing="crop") == ()


def test_toons_clips_are_enlarged_four_times_for_720p_and_the_rest_is_resized(clip, tmp_path):
    size = (1280, 720)
    (plan,) = plan_upscales([cut(clip)], size)
    assert (plan.upscaler.name, plan.recipe["scale"]) == ("realesr-animevideov3", 4)
    made = upscale_clip(plan, tmp_path / "upscaled")
    large = read_clip(made.path)
    assert large.shape == (6, 256, 448, 3)
    frame = drawn()[0]
    shape = {"width": 1280, "height": 720}
    assert np.array_equal(fit_frame(frame, **shape), fit_frame(frame, upscaled=large[0], **shape))


def test_segments_say_which_network_enlarged_toons_clips_where_it_is_not_acnet(clip):
    def named(width, height, **more):
        timeline = replace(film(clip), width=width, height=height, pictures=(cut(clip, **more),))
        return render.segment_recipe(timeline, timeline.spans[0]).get("drawn")

    assert named(1280, 720) == "realesr-animevideov3"
    assert named(1280, 720, source="model") is None
    assert named(192, 108) is None  # as before


def test_another_upscaler_or_another_clip_enlarges_again(clip, tmp_path):
    folder = tmp_path / "upscaled"
    plans = plan_upscales([cut(clip)], SIZE, own=Upscaler("blocks", enlarged))
    assert missing(plans, folder) == plans
    made = upscale_clip(plans[0], folder)
    assert made.path == plans[0].path_in(folder)
    assert made.notes == {"num_frames": 6, "height": 256, "width": 448}
    assert np.array_equal(read_clip(made.path), np.stack([enlarged(frame, 2) for frame in drawn()]))
    assert missing(plans, folder) == ()
    assert missing(plan_upscales([cut(clip)], SIZE, own=ACNET), folder) != ()
    write_clip(drawn()[::-1], 8, clip)
    assert missing(plan_upscales([cut(clip)], SIZE, own=Upscaler("blocks", enlarged)), folder) != ()


def test_a_segment_reads_the_upscaled_clip_and_enlarges_nothing_itself(clip, tmp_path, monkeypatch):
    folder = tmp_path / "upscaled"
    timeline, options = film(clip), RenderOptions(upscaled=folder)
    render_segment(timeline, timeline.spans[0], tmp_path / "a.mp4", options=options)
    for plan in plan_upscales(timeline.pictures, SIZE, own=ACNET):
        upscale_clip(plan, folder)
    monkeypatch.setattr(upscaler, "_network", lambda: pytest.fail("the network was asked"))
    render_segment(timeline, timeline.spans[0], tmp_path / "b.mp4", options=options)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    recipes = [
        render.segment_recipe(timeline, timeline.spans[0], options=one)
        for one in (options, replace(options, upscaled=Path("elsewhere")))
    ]
    assert recipes[0] == recipes[1]


def test_ones_own_upscaler_enlarges_films_that_nobody_drew_and_stands_in_the_recipe(clip, tmp_path):
    own, folder = Upscaler("mine-0123abcd", enlarged), tmp_path / "upscaled"
    timeline = replace(film(clip), pictures=(cut(clip, source="model"),))
    assert plan_upscales(timeline.pictures, SIZE) == ()
    (plan,) = plan_upscales(timeline.pictures, SIZE, own=own)
    assert plan_upscales([cut(clip, source="file")], SIZE, own=own) == ()
    upscale_clip(plan, folder)
    options = RenderOptions(upscaled=folder, upscaler=own)
    render_segment(timeline, timeline.spans[0], tmp_path / "a.mp4", options=options)
    shown = read_clip(tmp_path / "a.mp4")[0].astype(int)
    assert np.abs(shown - enlarged(drawn()[0], 2)).mean() < 3, "blocks, and not Lanczos"
    recipe = render.segment_recipe(timeline, timeline.spans[0], options=options)
    assert recipe["upscaler"] == "mine-0123abcd"
    assert "upscaler" not in render.segment_recipe(timeline, timeline.spans[0])


def test_a_network_of_ones_own_is_found_beside_the_premise_and_opened_before_anything_is_filmed(tmp_path):
    video = Video(upscale="mine.pth")
    with pytest.raises(StudioError, match=r"video\.upscale: wanted the file mine\.pth"):
        upscaler.locate_network(video, [tmp_path])
    (tmp_path / "mine.pth").write_text("no weights", "utf-8")
    path = Path(str(upscaler.locate_network(video, [tmp_path]).upscale))
    assert path == tmp_path / "mine.pth"
    assert upscaler.own_upscaler(path).name.startswith("mine-")
    with pytest.raises(StudioError, match=r"video\.upscale: .*mine\.pth: wanted a \.safetensors or \.pth"):
        upscaler.check_upscaler(path)
    assert upscaler.locate_network(Video(), [tmp_path]) == Video()
