from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from t2v.configs import MODELSCOPE, TOON, TextEncoderConfig
from t2v.networks import text_encoder
from t2v.networks.text_encoder import bpe_tokens, tokenize
from t2v.pipeline import TextToVideo

CLIP = MODELSCOPE.text_encoder
START, END = 49406, 49407
TEXTS = [
    "",
    "An orange CAT with a hat, talking.",
    "déjà vu: 2 aliens & a toaster's UFO!",
    "   spaces \n all over  ",
]


def test_the_tokens_are_those_of_open_clips_own_tokenizer() -> None:
    from open_clip.tokenizer import SimpleTokenizer

    assert torch.equal(tokenize(TEXTS, CLIP), SimpleTokenizer()(TEXTS, context_length=77))


def test_a_text_is_start_tokens_end_and_zeros() -> None:
    row = tokenize(["orange cat"], CLIP)[0]
    assert row.dtype == torch.long
    assert row[:4].tolist() == [START, *bpe_tokens("orange cat"), END]
    assert not row[4:].any()
    assert len(row) == 77


def test_no_text_is_start_and_end() -> None:
    assert tokenize([""], CLIP)[0, :3].tolist() == [START, END, 0]


def test_a_text_that_is_too_long_keeps_its_beginning_and_the_end_token() -> None:
    text = "one two three four five six seven eight nine ten"
    row = tokenize([text], replace(CLIP, context_length=6))[0].tolist()
    assert row == [START, *bpe_tokens("one two three four"), END]


def test_a_text_that_fits_to_the_last_place_is_whole() -> None:
    row = tokenize(["one two three four"], replace(CLIP, context_length=6))[0].tolist()
    assert row == [START, *bpe_tokens("one two three four"), END]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> TextEncoderConfig:
    """A model that knows three words."""
    known = [0, START, END, *bpe_tokens("cat hat orange")]
    monkeypatch.setattr(text_encoder, "vocabulary", lambda name: {clip: i for i, clip in enumerate(known)})
    return TextEncoderConfig(
        width=8, heads=1, layers=1, context_length=6, vocabulary_size=6, vocabulary="words.json"
    )


def test_a_small_vocabulary_numbers_its_own_words_and_leaves_out_the_others(small: TextEncoderConfig) -> None:
    assert tokenize(["an orange cat in a hat"], small).tolist() == [[1, 5, 3, 4, 2, 0]]
    assert tokenize(["nothing of this"], small).tolist() == [[1, 2, 0, 0, 0, 0]]


def test_words_that_are_left_out_take_no_place_from_those_that_are_known(small: TextEncoderConfig) -> None:
    text = "the very big and rather old orange cat and his cat and the cat of his cat"
    assert tokenize([text], small).tolist() == [[1, 5, 3, 3, 3, 2]]


def test_all_places_are_embedded_and_padding_too(tiny: TextToVideo) -> None:
    out = tiny.text_encoder(["a cat", ""])
    assert out.shape == (2, 16, 32)
    assert out.isfinite().all()
    assert (out[0] - out[1]).abs().amax(-1)[1:].min() > 1e-3


def test_a_text_is_embedded_alike_alone_and_among_others(tiny: TextToVideo) -> None:
    together = tiny.text_encoder(["a cat", "two robots on the beach"])
    torch.testing.assert_close(
        together[1:], tiny.text_encoder(["two robots on the beach"]), rtol=0, atol=1e-5
    )


def test_toons_vocabulary_has_every_word_of_its_own_world() -> None:
    from t2v.toon import world

    table = text_encoder.vocabulary(str(TOON.text_encoder.vocabulary))
    assert len(table) <= TOON.text_encoder.vocabulary_size
    assert [table[0], table[START], table[END]] == [0, 1, 2]
    families = (
        world.SETS,
        world.KINDS,
        world.COLOURS,
        world.ACTIONS,
        world.SIZES,
        world.TIMES,
        world.ACCESSORIES,
        world.PROPS,
    )
    unknown = [w for words in families for w in words if not all(t in table for t in bpe_tokens(w))]
    assert not unknown
