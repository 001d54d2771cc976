"""The one TXT record of a name that belongs to a standard."""

from __future__ import annotations

import pytest

from exporter.policies.txt_record import MAX_RECORD_BYTES, only_record

STS = b"v=STSv1; id=1;"


def test_the_record_of_the_standard_is_found_among_others() -> None:
    assert only_record([b"v=spf1 -all", STS, b"v=TLSRPTv1; rua=x"], b"STS") == STS
    assert only_record([b"v=spf1 -all"], b"STS") is None


@pytest.mark.parametrize("meant", [b"v=STSv2; id=1;", b" V = stsv1", b"v=STS"])
def test_a_malformed_record_is_given_where_there_is_no_better_one(meant: bytes) -> None:
    assert only_record([meant], b"STS") == meant
    assert only_record([meant, STS], b"STS") == STS


@pytest.mark.parametrize("texts", [[STS, STS], [b"v=STSv2", b"v=STSv3"], [STS + b"x" * MAX_RECORD_BYTES]])
def test_several_records_and_endless_ones_are_errors(texts: list[bytes]) -> None:
    with pytest.raises(ValueError):
        only_record(texts, b"STS")
