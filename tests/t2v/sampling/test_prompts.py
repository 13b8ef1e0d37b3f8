from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from t2v.configs import TOON, TOON_112
from t2v.networks.text_encoder import TextEncoder, bpe_tokens
from t2v.pipeline import TextToVideo
from t2v.sampling.prompts import (
    Prompt,
    WeightedText,
    embed_prompt,
    embed_prompts,
    embed_unacted,
    parse_weights,
    token_chunks,
    translate_prompt,
)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a cat", [("a cat", 1)]),
        ("a (red:1.3) cat", [("a ", 1), ("red", 1.3), (" cat", 1)]),
        ("a (red) cat", [("a ", 1), ("red", 1.1), (" cat", 1)]),
        ("a [red] cat", [("a ", 1), ("red", 1 / 1.1), (" cat", 1)]),
        ("a ((red)) cat", [("a ", 1), ("red", 1.21), (" cat", 1)]),
        ("(a (red:2) cat:0.5)", [("a ", 0.5), ("red", 1), (" cat", 0.5)]),
        (r"a \(red\) cat", [("a (red) cat", 1)]),
        ("a (red cat", [("a ", 1), ("red cat", 1.1)]),
        ("a red) cat at 10:30)", [("a red) cat at 10:30)", 1)]),
        ("", []),
    ],
)
def test_brackets_weigh_as_in_the_web_ui(prompt: str, wanted: list[tuple[str, float]]) -> None:
    found = parse_weights(prompt)
    assert [piece.text for piece in found] == [text for text, _ in wanted]
    assert [piece.weight for piece in found] == pytest.approx([weight for _, weight in wanted])


def test_a_short_prompt_is_read_as_the_text_encoder_reads_it(tiny: TextToVideo) -> None:
    for prompt in ("an orange cat, talking in the kitchen", ""):
        assert torch.equal(
            embed_prompt(tiny.text_encoder, parse_weights(prompt)), tiny.text_encoder([prompt])
        )


def test_a_weight_multiplies_its_words_alone_and_leaves_the_mean_as_it_was(tiny: TextToVideo) -> None:
    plain = embed_prompt(tiny.text_encoder, parse_weights("a red cat"))
    weighed = embed_prompt(tiny.text_encoder, parse_weights("a (red:1.5) cat"))
    share = weighed / plain
    torch.testing.assert_close(weighed.mean(), plain.mean())
    torch.testing.assert_close(share[0, 2] / share[0, 1], torch.full((32,), 1.5))
    torch.testing.assert_close(share[0, 3:] / share[0, 1], torch.ones(13, 32))


def test_a_prompt_that_is_too_long_is_read_in_chunks_each_with_its_own_start_and_end(
    tiny: TextToVideo,
) -> None:
    words = ["cat", "dog", "red", "blue", "tree", "house", "car"] * 5
    found = token_chunks(parse_weights(" ".join(words)), tiny.text_encoder)
    room = tiny.text_encoder.config.context_length - 2
    assert [len(ids) for ids, _ in found] == [room + 2, room + 2, 35 - 2 * room + 2]
    assert {(ids[0], ids[-1]) for ids, _ in found} == {(49406, 49407)}
    assert [i for ids, _ in found for i in ids[1:-1]] == bpe_tokens(" ".join(words))
    text = embed_prompt(tiny.text_encoder, parse_weights(" ".join(words)))
    assert text.shape == (1, 3 * (room + 2), 32)
    first = tiny.text_encoder([" ".join(words[:room])])
    torch.testing.assert_close(text[:, : room + 2], first, rtol=0, atol=1e-5)


def test_a_chunk_ends_at_a_comma_where_one_is_near(tiny: TextToVideo) -> None:
    prompt = "cat dog red blue tree house car cat dog red, blue tree house car cat dog"
    (first, _), (second, _) = token_chunks(parse_weights(prompt), tiny.text_encoder)
    assert first[1:-1] == bpe_tokens("cat dog red blue tree house car cat dog red,")
    assert second[1:-1] == bpe_tokens("blue tree house car cat dog")


def test_prompt_and_negative_prompt_are_equally_long(tiny: TextToVideo) -> None:
    long = "cat " * 20
    for prompt, negative in ((long, "blurred"), ("cat", long), ({0: "cat", 2: long}, "")):
        text, other = embed_prompts(tiny.text_encoder, prompt, negative, tiny.preset, 3)
        assert text.shape[-2] == other.shape[1] == 32
    filled = embed_prompts(tiny.text_encoder, "cat", long, tiny.preset, 3)[0]
    assert torch.equal(filled[:, 16:], tiny.text_encoder([""]))


def test_a_prompt_travels_from_frame_to_frame(tiny: TextToVideo) -> None:
    text, _ = embed_prompts(tiny.text_encoder, {1: "a cat", 5: "a dog"}, "", tiny.preset, 8)
    cat, dog = tiny.text_encoder(["a cat"]), tiny.text_encoder(["a dog"])
    assert text.shape == (1, 8, 16, 32)
    assert torch.equal(text[:, 0], cat)
    assert torch.equal(text[:, 1], cat)
    torch.testing.assert_close(text[:, 2], 0.75 * cat + 0.25 * dog)
    assert torch.equal(text[:, 5], dog)
    assert torch.equal(text[:, 7], dog)


def test_a_prompt_that_is_the_same_in_every_frame_films_as_one_for_the_clip(tiny: TextToVideo) -> None:
    one = tiny.generate("a cat").frames
    each = tiny.generate(dict.fromkeys(range(3), "a cat")).frames
    assert np.abs(one.astype(int) - each).max() <= 1
    assert not np.array_equal(one, tiny.generate({0: "a cat", 2: "a dog"}).frames)


def test_every_frame_hears_its_own_prompt(make_tiny: Callable[..., TextToVideo]) -> None:
    flat = make_tiny()
    flat.unet.config = replace(flat.unet.config)
    cat = flat.text_encoder(["a cat"])[:, None]
    dog = flat.text_encoder(["a dog"])[:, None]
    latents, t = torch.randn(1, 4, 1, 4, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([500])
    with torch.inference_mode():
        assert not torch.equal(flat.unet(latents, t, cat), flat.unet(latents, t, dog))
        assert torch.equal(flat.unet(latents, t, cat), flat.unet(latents, t, cat[:, 0]))


def test_toon_reads_bare_brackets_as_ever_and_weighs_what_it_makes_of_a_weighted_word() -> None:
    said = "a ginger kitten (laughing) in the kitchen"
    (whole,) = translate_prompt(said, TOON_112)
    assert whole == WeightedText(
        translate_prompt("a ginger kitten laughing in the kitchen", TOON_112)[0].text
    )
    found = translate_prompt("a (ginger kitten:1.4) in the kitchen", TOON_112)
    assert (
        "".join(piece.text for piece in found)
        == translate_prompt("a ginger kitten in the kitchen", TOON_112)[0].text
    )
    assert {piece.text.strip() for piece in found if piece.weight == 1.4} >= {"cat"}
    assert all(piece.weight in (1, 1.4) for piece in found)


def test_a_weight_of_words_that_toon_does_not_know_weighs_nothing_else() -> None:
    found = translate_prompt("medium shot, orange cat dancing (wildly:1.5), stage, day", TOON_112)
    assert [piece.weight for piece in found] == [1]


@pytest.mark.parametrize(
    ("prompt", "translated"),
    [
        (
            "close-up of orange cat with hat talking mouth-wide looks-ahead, in the kitchen, day",
            "close-up of orange cat with hat talking mouth-wide looks-ahead, in the kitchen, day",
        ),
        (
            "a crimson automaton mouth-shut greets a kitty looks-left arms-up in the diner",
            "red robot waving on the left mouth-shut and cat standing on the right looks-left arms-up, "
            "in the kitchen",
        ),
        ("mouth-open a cat", "cat standing mouth-open"),
        ("mouth-open in the kitchen", "establishing shot, empty kitchen"),
        ("a cat", "cat standing"),
    ],
)
def test_a_directed_toon_keeps_each_direction_with_its_figure(prompt: str, translated: str) -> None:
    (part,) = translate_prompt(prompt, TOON)
    assert part.text == translated


def test_todays_toon_knows_no_directions() -> None:
    plain = translate_prompt("orange cat talking, in the kitchen", TOON_112)
    assert translate_prompt("orange cat talking mouth-zzz, in the kitchen", TOON_112) == plain
    assert all("mouth-wide" not in part.text for part in translate_prompt("cat mouth-wide", TOON_112))


def directed_words(prompt: str, frame: int) -> str:
    return "".join(part.text for part in translate_prompt(prompt, TOON, frame))


def test_figures_without_a_direction_do_what_their_actions_are_in_each_frame() -> None:
    jumping = [directed_words("pink child jumping, in the park", frame) for frame in range(16)]
    assert any("body-crouched" in words for words in jumping)
    assert any("body-airborne" in words for words in jumping)
    said = {directed_words("pink child jumping mouth-wide, in the park", frame) for frame in range(16)}
    assert said == {"pink child jumping mouth-wide, in the park"}
    assert {directed_words("in the park, day", frame) for frame in range(16)} == {
        translate_prompt("in the park, day", TOON)[0].text
    }


def test_two_who_talk_do_so_in_turn_and_whoever_falls_stays_there() -> None:
    both = [directed_words("red man talking and blue dog talking, in the bar", frame) for frame in range(16)]
    mouths = [re.findall(r"mouth-(\w+)", words) for words in both]
    assert all(len(pair) == 2 for pair in mouths)
    assert any(one != other for one, other in mouths)
    fallen = [directed_words("blue man falling over, in the office", frame) for frame in (15, 16, 40)]
    assert fallen[0] == fallen[1] == fallen[2]


def test_weights_hold_in_every_frame() -> None:
    for frame in (0, 7):
        weighed = translate_prompt("(orange:1.5) cat waving, stage", TOON, frame)
        assert [part.text for part in weighed if part.weight == 1.5] == ["orange"]


@torch.inference_mode()
def test_a_directed_toon_gets_a_text_a_frame_of_a_plain_prompt() -> None:
    encoder = TextEncoder(TOON.text_encoder)
    text, negative = embed_prompts(encoder, "green alien waving, street, day", "", TOON, 16)
    assert text.shape == (1, 16, 96, 192)
    assert negative.shape == (1, 96, 192)
    assert (text != text[:, :1]).any()
    short, _ = embed_prompts(
        TextEncoder(TOON_112.text_encoder), "green alien waving, street, day", "", TOON_112, 16
    )
    assert short.ndim == 3


@torch.inference_mode()
def test_a_prompt_that_is_not_acted_has_everybody_stand_and_is_nothing_where_nobody_acts() -> None:
    encoder = TextEncoder(TOON.text_encoder)

    def unacted(prompt: Prompt) -> torch.Tensor | None:
        return embed_unacted(encoder, prompt, TOON, embed_prompts(encoder, prompt, "", TOON, 16)[0])

    caption = embed_prompt(encoder, translate_prompt("green alien standing, in the street, day", TOON))
    acted = unacted("green alien waving, street, day")
    told = unacted({0: "green alien falling over arms-up, street, day", 8: "green alien, street, day"})
    assert acted is not None
    assert told is not None
    assert (acted == caption).all()
    assert (told == caption).all()
    assert unacted("empty street, night") is None
    assert unacted("establishing shot, green alien waving, street, day") is None  # too small to see
    changing = unacted({0: "red cat mouth-open, bar", 15: "blue dog mouth-shut, bar"})
    assert changing is not None
    assert changing.shape == (1, 16, 96, 192)
    assert (changing[:, 0] != changing[:, 15]).any()
    (weighed,) = [
        p for p in translate_prompt("(orange:1.5) cat waving", TOON, acted=False) if p.weight == 1.5
    ]
    assert weighed.text == "orange"
