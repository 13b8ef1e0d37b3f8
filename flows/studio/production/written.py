"""A script as the steps of an episode hand it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.studio.workspace.manifest import Memory
from scripts_llm.screenplay.script import Premise, Script

if TYPE_CHECKING:
    from scripts_llm.llm.client import Call

Say = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """A script on disk, with the premise that knows its whole cast, and what the writing cost."""

    script: Script
    premise: Premise
    memory: Memory
    calls: tuple[Call, ...] = ()
