from __future__ import annotations

from exporter.web.server.unread_bytes import MAX_UNREAD_BYTES, Client, UnreadBytes


class SlowClient:
    """A client that does not read."""

    def __init__(self) -> None:
        self.is_reading = False
        self.is_gone = False

    def waited(self) -> float:
        return 1.0

    def reset(self) -> None:
        self.is_gone = True


_: type[Client] = SlowClient


def test_the_longest_waiting_client_is_disconnected_above_the_limit() -> None:
    unread, clients = UnreadBytes(), [SlowClient() for _ in range(3)]
    for client in clients:
        unread.begin(client, MAX_UNREAD_BYTES // 3)
    assert not any(client.is_gone for client in clients)
    unread.end(clients[0])
    unread.begin(clients[0], MAX_UNREAD_BYTES // 2)
    assert [client.is_gone for client in clients] == [False, True, False]
    assert unread.total <= MAX_UNREAD_BYTES


def test_the_end_of_a_client_counts_once() -> None:
    unread, client = UnreadBytes(), SlowClient()
    unread.begin(client, 100)
    unread.begin(client, 70)  # less is left
    assert unread.total == 70
    unread.end(client)
    unread.end(client)
    assert unread.total == 0
