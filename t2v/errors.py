"""What can go wrong with a film model.

T2VError
├── CheckpointError    a weight file is missing, broken, or another model's
├── SettingsError      a setting that the model cannot film with
└── RenderError        the network answered with what is no number
"""

from __future__ import annotations


class T2VError(Exception):
    """Anything that t2v says on purpose: one line for whoever called."""


class CheckpointError(T2VError):
    """A weight file is missing, broken, or another model's."""


class SettingsError(T2VError, ValueError):
    """A setting that the model cannot film with."""


class RenderError(T2VError):
    """The network answered with what is no number."""


class PrecisionWarning(UserWarning):
    """A clip was made again in single precision, because half precision could not hold it."""
