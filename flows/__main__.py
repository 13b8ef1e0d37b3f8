"""`python -m flows`: every command, without a console script."""

from __future__ import annotations

from flows.cli.app import main

if __name__ == "__main__":
    main(name="python -m flows")
