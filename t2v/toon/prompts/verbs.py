"""The forms of English verbs that actions are written in."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ENDS_IN_E = re.compile(r"(?:[cvzu]|(?<!s)s|[gkd]l|om)$")


def forms_of_verb(phrase: str, *, bare: bool = True) -> Iterator[str]:
    """A phrase that begins with a verb in -ing, and the same with the verb in its other forms.

    "falling over", "falls over" and, where `bare`, "fall over".
    """
    yield phrase
    verb, _, rest = phrase.partition(" ")
    if not verb.endswith("ing") or len(verb) < 5:
        return
    stem = verb.removesuffix("ing")
    if stem[-1] == stem[-2] and stem[-1] not in "lse":
        stem = stem[:-1]  # sitting, hugging
    elif _ENDS_IN_E.search(stem):
        stem += "e"
    third = re.sub(r"(?<![aeiou])y$", "ie", stem) + ("es" if re.search(r"(?:ch|sh|ss|o|x)$", stem) else "s")
    for form in (third, *([stem] if bare else [])):
        yield f"{form} {rest}".strip()
