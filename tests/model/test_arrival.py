from __future__ import annotations

from exporter.model.arrival import Arrival, AuthenticationResult, MailboxProblem


def test_before_anything_is_known_nothing_is_claimed() -> None:
    arrival = Arrival()
    assert (arrival.folder, arrival.seconds, arrival.at, arrival.missing, arrival.problem) == (
        None,
        None,
        None,
        "",
        None,
    )


def test_closed_lists_have_words_that_may_be_labels() -> None:
    words = [*AuthenticationResult, *MailboxProblem]
    assert all(word.isalpha() and word.islower() for word in words)
