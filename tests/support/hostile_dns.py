"""A name server that answers with whatever bytes it is given: over TCP where they are too long for a datagram."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator

from tests.support.dns_messages import CODES, HEADER

# The answer to a question about a name and a type, in which the id does not matter; None: no answer.
Answers = Callable[[str, str], bytes | None]

_UDP_BYTES = 1232
_KINDS = {code: kind for kind, code in CODES.items()}


class HostileDns:
    """See :func:`hostile_dns`. `asked` counts the questions, over both transports."""

    def __init__(self, answers: Answers) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self._answers = answers
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._stream_handler())
        self._tcp.daemon_threads = True
        self.address = ("127.0.0.1", int(self._tcp.server_address[1]))
        self._udp.bind(self.address)
        self._threads = [
            threading.Thread(target=self._serve_datagrams, daemon=True),
            threading.Thread(target=self._tcp.serve_forever, args=(0.05,), daemon=True),
        ]

    @property
    def server(self) -> str:
        """Address and port as in a configuration."""
        return f"{self.address[0]}:{self.address[1]}"

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._tcp.shutdown()
        self._tcp.server_close()
        with contextlib.suppress(OSError):
            self._udp.shutdown(socket.SHUT_RDWR)  # wakes who reads from it
        self._udp.close()
        for thread in self._threads:
            thread.join(10.0)

    def _answer(self, query: bytes) -> bytes | None:
        labels, place = [], HEADER
        while length := query[place]:
            labels.append(query[place + 1 : place + 1 + length].decode("latin-1"))
            place += 1 + length
        question = query[HEADER : place + 5]
        kind = _KINDS.get(int.from_bytes(question[-4:-2], "big"), "")
        name = ".".join(labels)
        self.asked[name, kind] += 1
        said = self._answers(name, kind)
        return None if said is None else query[:2] + said[2:]

    def _serve_datagrams(self) -> None:
        while True:
            try:
                query, client = self._udp.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            said = self._answer(query)
            if said is not None and len(said) > _UDP_BYTES:
                end = said.index(b"\0", HEADER) + 5
                said = said[:2] + bytes([said[2] | 2]) + said[3:6] + bytes(6) + said[HEADER:end]
            if said is not None:
                with contextlib.suppress(OSError):
                    self._udp.sendto(said, client)

    def _stream_handler(self) -> type[socketserver.StreamRequestHandler]:
        """RFC 7766: a message behind its length, and the answer behind its own."""
        answer = self._answer

        class Stream(socketserver.StreamRequestHandler):
            timeout = 10.0

            def handle(self) -> None:
                with contextlib.suppress(OSError, struct.error):
                    (length,) = struct.unpack("!H", self.rfile.read(2))
                    said = answer(self.rfile.read(length))
                    if said is not None:
                        self.wfile.write(struct.pack("!H", len(said)) + said)

        return Stream


@contextlib.contextmanager
def hostile_dns(answers: Answers) -> Iterator[HostileDns]:
    """The server, on a free port of loopback."""
    server = HostileDns(answers)
    server.start()
    try:
        yield server
    finally:
        server.stop()
