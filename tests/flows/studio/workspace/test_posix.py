"""Calls of one system alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from flows.studio.workspace import posix
if sys.argv[1] == "one":
    posix.share_one_heap()
ready = threading.Barrier(5)
def work():
    [bytearray(1000) for _ in range(100)]
    ready.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
ready.wait()
ctypes.CDLL(None).malloc_info(0, ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stdout"))
ctypes.CDLL(None).fflush(None)
"""


def heaps(how: str) -> int:
    words = [sys.executable, "-c", THREADS, how]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.count("<heap nr=")


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_threads_share_one_heap():
    assert heaps("own") > 1
    assert heaps("one") == 1
