"""Prices of films by services and servers: `cameras:` in templates/prices.yaml and a user's prices.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.studio.cameras.names import CameraName
from flows.studio.hosted.addresses import host_of, is_in_the_house
from scripts_llm.llm.prices import CameraPrice, read_prices, user_price_files

__all__ = ["Price", "find_price", "price_fault", "user_price_files"]

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True)
class Price:
    """Dollars of a second of film, and when somebody looked: "Nov 2026"."""

    second: float
    checked: str = ""

    def of_film(self, seconds: float) -> float:
        """Dollars of a film of so many seconds."""
        return round(self.second * seconds, 6)

    def __str__(self) -> str:
        """For people: $0.473 a second (price of Nov 2026)."""
        told = f" (price of {self.checked})" if self.checked else ""
        return f"${self.second:.4g} a second{told}"


def find_price(name: CameraName, *, lines: int, own: Sequence[Path] = ()) -> Price | None:
    """The price of a second by this camera, where the shorter side has so many pixels; None if none is known.

    A camera on this machine has none. `own` are the user's price files. Raises ScriptError for a faulty one.
    """
    if name.is_here:
        return None
    by_place = read_prices(own).cameras
    for place in (name.place if name.url is None else host_of(name.url), "any"):
        models = by_place.get(place, {})
        price = models.get(name.model) or models.get("any")
        if price is not None:
            return Price(_for_lines(price, lines), _month(price.checked))
    return None


def price_fault(name: CameraName) -> str | None:
    """What to say of a camera without a price: nothing of one in the house, which costs nothing."""
    if name.is_here or (name.url is not None and is_in_the_house(name.url)):
        return None
    place = name.place if name.url is None else host_of(name.url)
    return (
        f"wanted the price of {name.model} at {place}, got none, try a prices.yaml beside the premise with "
        f"`cameras: {{{place}: {{{name.model}: {{second: 0.10}}}}}}`"
    )


def _for_lines(price: CameraPrice, lines: int) -> float:
    """The dollars for a picture so large: those of the next larger size named, else of the largest."""
    if not isinstance(price.second, dict):
        return price.second
    sizes = sorted((_lines(size), dollars) for size, dollars in price.second.items())
    return next((dollars for size, dollars in sizes if size >= lines), sizes[-1][1])


def _lines(size: str) -> int:
    """The lines of a size: 720 of 720p, 1440 of 2k, 2160 of 4k."""
    number = int(re.sub(r"\D", "", size) or 0)
    return {2: 1440, 4: 2160}.get(number, number)


def _month(checked: str) -> str:
    """ "2026-11" as Nov 2026; other text as it is."""
    match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])(?:-\d\d)?", checked)
    return f"{_MONTHS[int(match[2]) - 1]} {match[1]}" if match else checked
