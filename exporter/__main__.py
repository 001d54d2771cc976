"""`python -m exporter`, the same as the command mx-exporter; where memory is short, it ends with one sentence.

Nothing large is imported before the limits of the process are looked at: under too small ones the libraries themselves
fail, each in its own way, or abort.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings

from exporter.app.memory_limit import STACK_BYTES, is_shortage, share_one_heap, unusable


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        return _run()
    except KeyboardInterrupt:  # while modules are imported
        return 130


def _run() -> int:
    reason = unusable()
    if reason is not None:
        sys.stderr.write(f"mx-exporter: {reason}\n")
        return 1
    threading.stack_size(STACK_BYTES)
    share_one_heap()
    try:
        from exporter.cli import main as command_line

        return command_line()
    except Exception as error:
        if not is_shortage(error):
            raise
        warnings.simplefilter("ignore")  # unawaited coroutines are part of the same
        problem = str(error) or type(error).__name__
    sys.stderr.write(f"mx-exporter: memory is short ({problem}): raise the memory limit\n")
    sys.stderr.flush()
    # The usual end starts a thread to wait for others; there may be no memory for that either.
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
