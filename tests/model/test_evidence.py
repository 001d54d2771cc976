from __future__ import annotations

import pytest

from exporter.model.evidence import ConnectOutcome, Witness


@pytest.mark.parametrize("outcome", ConnectOutcome)
def test_only_an_answer_or_a_reset_of_a_witness_proves_the_host(outcome: ConnectOutcome) -> None:
    proves = outcome in (ConnectOutcome.ANSWERED, ConnectOutcome.RESET)
    assert Witness(443, outcome).proves_host is proves
