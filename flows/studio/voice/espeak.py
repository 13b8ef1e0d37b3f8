"""Russian as phonemes, by espeak-ng (the extra `[ru]`, GPL-3.0, loaded as a shared library).

Kokoro has no Russian voice but most of Russian's sounds; its voices speak it with an accent.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
import threading

_UTF8, _IPA, _RETRIEVAL = 1, 0x02, 1
_OK = 0

# espeak-ng's signs that Kokoro lacks or takes for other sounds.
_SIGNS = {"͡": "", "ɕː": "ɕ", "ɵ": "o", "ʑ": "ʒ", "ɭ": "l", "ɫ": "l", "ʉ": "u", "ɪ^": "ɪ", "-": ""}
_SENTENCE = re.compile(r"[^.!?…]+[.!?…]*")
_CLAUSE = re.compile(r"([^,;:—]+)([,;:—]*)")
_END = re.compile(r"[.!?…]+$")
_OTHER_VOICE = re.compile(r"\([a-z-]+\)")  # (en)…(ru) around a foreign word

_reading = threading.Lock()  # the library has one state a process


def available() -> bool:
    """True if the extra is installed."""
    return importlib.util.find_spec("espeakng_loader") is not None


def phonemize(text: str) -> tuple[str, ...]:
    """A text's sentences in Kokoro's alphabet; numbers are read as words. Needs the extra.

    Raises:
        OSError: espeak-ng has no Russian voice.
    """
    sentences = []
    for sentence in _SENTENCE.findall(text):
        end = _END.search(sentence)
        body = sentence[: end.start()] if end else sentence
        clauses = [f"{_read(words)}{mark}" for words, mark in _CLAUSE.findall(body) if words.strip()]
        if any(clauses):
            sentences.append(" ".join(clauses) + (end[0][0] if end else "."))
    return tuple(sentences)


def _read(words: str) -> str:
    library = _library()
    with _reading:
        rest = ctypes.c_char_p(words.strip().encode())
        pieces = []
        while rest.value:
            said = library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA)
            pieces.append((said or b"").decode("utf-8", "replace"))
    read = _OTHER_VOICE.sub("", " ".join(pieces))
    for sign, ours in _SIGNS.items():
        read = read.replace(sign, ours)
    return " ".join(read.split())


@functools.cache
def _library() -> ctypes.CDLL:
    import espeakng_loader

    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    library.espeak_Initialize(_RETRIEVAL, 0, str(espeakng_loader.get_data_path()).encode(), 0)
    if library.espeak_SetVoiceByName(b"ru") != _OK:  # else it would read in its default language
        raise OSError("espeak-ng has no Russian voice; install cold-open[ru] again")
    return library
