"""Fuzzers: whatever strangers send goes through every reader of it, and what comes out must be what is documented.

    python -m tests.attack.fuzz --list
    python -m tests.attack.fuzz --seconds 60                   # every target for a minute
    python -m tests.attack.fuzz dns-reply pages --seconds 600  # two of them for ten
    python -m tests.attack.fuzz dns-reply --replay FILE...     # what one input does

A target takes bytes. It may raise what it documents and nothing else; it may take a quarter of a second of CPU and some
megabytes; and where there is a second opinion (the same bytes in other pieces, another library, the way back) both must
agree. With atheris (`pip install -e '.[fuzz]'`) the search follows the coverage of our code; without it inputs are
mutations of the corpus, the same ones for the same `--seed`. Each target runs in a process of its own, so that one that
takes the interpreter down is found, too. Findings are files in a directory outside of the repository, which is told at
the end, and the command exits 1.

A finding becomes a file in tests/attack/corpus/TARGET, with a name that says what it was, once the fault is mended:
tests/attack/test_fuzz.py replays all of them, and adds some thousand new ones at every run.
"""
