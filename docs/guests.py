"""Prints the table of docs/cameras.md of film models that diffusers films: `python docs/guests.py`."""

from __future__ import annotations

import sys

from t2v.guests import folder, placing
from t2v.guests.families import KNOWN
from t2v.guests.folder import GuestPreset

_TAKES = {"none": "none", "first": "first", "last": "last", "both": "first and last", "any": "any"}


def card_gb(guest: GuestPreset, how: str) -> int:
    """The smallest card in whole gigabytes on which a guest is filmed that way or a faster one."""
    order = ("layers", "networks", "whole")
    return next(
        gigabytes
        for gigabytes in range(1, 200)
        if order.index(placing.plan(guest, card_gb=gigabytes, memory_gb=1000).how) >= order.index(how)
    )


def rows() -> list[str]:
    """The table's rows, in the order of the short names."""
    head = "| name | a clip | weights | card: whole, by network, by layer | licence | begins from |"
    out = [head, "| --- | --- | --- | --- | --- | --- |"]
    for short, known in KNOWN.items():
        guest = folder.known_preset(short)
        family = guest.family
        clip = f"{family.num_frames} of {guest.width}x{guest.height} at {family.fps}"
        # by layer, what the card holds is activations and a part of the picture
        cards = [str(card_gb(guest, how)) for how in ("whole", "networks")]
        least = placing.plan(guest, card_gb=1, memory_gb=1000).needs_gb
        takes = ", ".join(_TAKES[kind] for kind in family.pictures)
        takes += f"; {family.references} references" if family.references else ""
        terms = f"; {guest.licence.terms}" if guest.licence.terms else ""
        licence = f"{guest.licence.name}{terms}"
        card = f"{', '.join(cards)}, {least:.0f} GB"
        out.append(f"| `{short}` | {clip} | {known.gigabytes:.0f} GB | {card} | {licence} | {takes} |")
    return out


if __name__ == "__main__":
    sys.stdout.write("\n".join([*rows(), ""]))
