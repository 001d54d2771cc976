"""How well real replies are classified: `python -m tests.diagnosis.replies.reply_report [--wrong]`.

Classes and verdicts that count as right for each file, then precision and recall of each class, for all replies and for
the held-back fifth. Replies that no single reply decides are counted apart. `--wrong` lists what is wrong, the
held-back fifth left out.

Several classes may count as right for a reply. Its true class is the one that was found, where that counts, and else
the first of the list.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from tests.diagnosis.replies.real_replies import FILES, RealReply, read


def accuracy(replies: Sequence[RealReply]) -> str:
    """ "class 320 of 329 (97.3%), verdict 325 (98.8%), without 9 that one reply cannot decide"."""
    decidable = [reply for reply in replies if reply.decidable]
    right, verdicts = sum(reply.right for reply in decidable), sum(reply.verdict_right for reply in decidable)
    text = f"class {right} of {len(decidable)} ({right / len(decidable):.1%}), "
    text += f"verdict {verdicts} ({verdicts / len(decidable):.1%})"
    left_out = len(replies) - len(decidable)
    return f"{text}, without {left_out} that one reply cannot decide" if left_out else text


def print_classes(replies: Sequence[RealReply]) -> None:
    """Precision and recall per class."""
    found, true, right = Counter[str](), Counter[str](), Counter[str]()
    for reply in replies:
        found[reply.found] += 1
        true[reply.found if reply.right else reply.accepted[0]] += 1
        right[reply.found] += reply.right
    print(f"  {'class':<20} {'true':>5} {'found':>6} {'precision':>10} {'recall':>7}")
    for name in sorted(true | found):
        precision = f"{right[name] / found[name]:.2f}" if found[name] else "-"
        recall = f"{right[name] / true[name]:.2f}" if true[name] else "-"
        print(f"  {name:<20} {true[name]:>5} {found[name]:>6} {precision:>10} {recall:>7}")


def main(arguments: Sequence[str]) -> None:
    """Print the report."""
    everything: list[RealReply] = []
    for file in FILES:
        replies = list(read(file))
        everything += replies
        held_back = [reply for reply in replies if reply.held_back]
        print(f"{file}: {accuracy(replies)}")
        print(f"  held-back fifth: {accuracy(held_back)}")
    decidable = [reply for reply in everything if reply.decidable]
    print("\nall decidable replies")
    print_classes(decidable)
    print("\nthe held-back fifth of them")
    print_classes([reply for reply in decidable if reply.held_back])
    if "--wrong" in arguments:
        print()
        for reply in everything:
            if not reply.right and not reply.held_back:
                print(f"{reply.stage}: {reply.reply!r}\n  found {reply.found}, right: {', '.join(reply.accepted)}")


if __name__ == "__main__":
    main(sys.argv[1:])
