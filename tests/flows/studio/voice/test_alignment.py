"""Words are found where they are heard, between the pauses of the voice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice.alignment import align_words


def hum(seconds):
    return (0.2 * np.sin(np.arange(round(seconds * SAMPLE_RATE)) * 0.03)).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def seconds(places):
    return [(round(a / SAMPLE_RATE, 2), round(b / SAMPLE_RATE, 2)) for a, b in places]


def test_without_a_pause_words_last_as_long_as_their_syllables():
    first, second, third = seconds(align_words(hum(1.5), "No banana no."))
    assert first == pytest.approx((0, 0.3), abs=0.01)
    assert second == pytest.approx((0.3, 1.2), abs=0.01)
    assert third == pytest.approx((1.2, 1.5), abs=0.01)


def test_a_pause_lies_between_two_words_and_in_neither():
    heard = np.concatenate([hum(0.4), silence(0.6), hum(0.4)])
    assert seconds(align_words(heard, "Yes. No.")) == [(0, 0.4), (1.0, 1.4)]


def test_a_pause_is_looked_for_behind_a_mark():
    heard = np.concatenate([hum(0.5), silence(0.3), hum(0.8)])
    places = seconds(align_words(heard, "You did, but I will not"))
    assert places[1][1] == 0.5
    assert places[2][0] == 0.8


def test_two_pauses_keep_their_order():
    heard = np.concatenate([hum(0.3), silence(0.2), hum(0.3), silence(0.4), hum(0.3)])
    assert seconds(align_words(heard, "Gone. Gone. Gone.")) == [(0, 0.3), (0.5, 0.8), (1.2, 1.5)]


def test_a_stop_inside_a_word_is_no_pause():
    heard = np.concatenate([hum(0.5), silence(0.06), hum(0.5)])
    first, second = align_words(heard, "No no")
    assert first[1] == second[0]


def test_nothing_said_has_no_places():
    assert align_words(hum(1), "  ") == align_words(hum(0), "No") == ()
    assert len(align_words(silence(1), "No no")) == 2


@settings(max_examples=60, deadline=None)
@given(st.text("ab .,!猫", min_size=1, max_size=60), st.lists(st.sampled_from((0.05, 0.2, 0.4)), max_size=6))
def test_places_are_in_order_inside_the_sound_whatever_is_said(text, lengths):
    pieces = [(hum if n % 2 == 0 else silence)(length) for n, length in enumerate(lengths)]
    heard = np.concatenate([hum(0.1), *pieces])
    places = align_words(heard, text)
    assert len(places) == len(text.split())
    assert all(0 <= a <= b <= len(heard) for a, b in places)
    assert all(a[1] <= b[0] for a, b in pairwise(places))
