"""Cards are drawn in the show's colours, never on black, and everything on them fits."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.picture import cards

SIZES = [(320, 180), (180, 180), (180, 320)]
TITLES = [
    "Joe and the Don\nThe Blinking Fish",
    "X",
    "Жизнь тостера 🐟",
    "🐟",
    "A Show With a Name That Goes On and On Because Nobody Told Its Maker That Names End\nPart Two of Many",
    "Donaudampfschifffahrtsgesellschaft",
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("title", TITLES)
def test_every_card_is_bright_and_whole(title, size):
    width, height = size
    credits = ["Written by the offline writer", "Filmed by TOON", "AI-generated 🐟", ""]
    made = [
        cards.title_card(title, width=width, height=height),
        cards.credits_card(title, credits, width=width, height=height),
        cards.gag_card(title, width=width, height=height),
    ]
    for card in made:
        assert card.shape == (height, width, 3)
        assert card.dtype == np.uint8
        assert card.mean() > 70
        edge = np.concatenate([card[0], card[-1], card[:, 0], card[:, -1]])
        assert edge.max(axis=1).min() > 60  # neither black nor touched by letters, which have a dark edge


def test_a_show_keeps_its_colours_and_its_episodes_share_them():
    assert cards.palette_of("Joe and the Don\nOne") == cards.palette_of("joe and the don\nTwo")
    names = [f"Show {n}" for n in range(30)]
    assert len({cards.palette_of(name).deep for name in names}) == 6


def test_the_rays_turn_and_come_round():
    size = {"width": 160, "height": 90}
    still, half, round_ = (cards.title_card("A", turn=turn, **size).astype(int) for turn in (0, 0.5, 1))
    assert np.abs(still - half).mean() > 5
    assert np.abs(still - round_).max() <= 12


def test_the_title_is_written():
    size = {"width": 160, "height": 90}
    assert np.abs(cards.title_card("A", **size).astype(int) - cards.title_card("B", **size)).max() > 40


def test_many_credits_still_fit():
    lines = [f"Line {n} of the credits" for n in range(12)]
    card = cards.credits_card("A Show", lines, width=320, height=180)
    assert card[:4].std(axis=(0, 1)).max() < 90
    few = cards.credits_card("A Show", lines[:3], width=320, height=180)
    assert not np.array_equal(card, few)
