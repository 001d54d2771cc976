"""Real servers, each a private instance with its own folder and ports on loopback, ended with the test."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.require import require_program
from tests.support.waiting import until_sync

_STOP_SECONDS = 10.0
# Below those that kernels give to who asks for any port: Linux from 32768 on (ip_local_port_range), others from 49152.
_PORTS = range(15000, 32768)


def free_port(address: str = "127.0.0.1") -> int:
    """A port that is free for TCP and UDP at this moment, and that no other test is given meanwhile for port 0."""
    for _ in range(50):
        port = secrets.choice(_PORTS)  # `random` has the same seed in all processes of a test run
        with (
            contextlib.suppress(OSError),
            socket.create_server((address, port)),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            datagram.bind((address, port))
            return port
    raise AssertionError("no port is free for both TCP and UDP")


def accepts(port: int, address: str = "127.0.0.1") -> bool:
    """True if a program listens."""
    try:
        socket.create_connection((address, port), 1.0).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running(
    argv: Sequence[str], ready: Callable[[], object], log: Path, pid_file: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in the foreground from when it is ready until the end of the block.

    With a `pid_file` the process is but a script that waits for the server, and the server is told to end.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        until_sync(lambda: process.poll() is not None or ready())
        assert process.poll() is None, f"{argv[0]} ended at once: {log.read_text(errors='replace')[-2000:]}"
        yield process
    finally:
        _terminate(process, pid_file)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _terminate(process: subprocess.Popen[bytes], pid_file: Path | None) -> None:
    if pid_file is not None and pid_file.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
            return
    process.terminate()


@contextlib.contextmanager
def nsd(folder: Path, zones: Mapping[str, str], address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """An authoritative server of `zones` (name -> zone file text); gives the port on `address`."""
    program = require_program("nsd")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port(address)
    sections = []
    for name, text in zones.items():
        path = folder / f"{name}.zone"
        path.write_text(text)
        sections.append(f'zone:\n  name: "{name}"\n  zonefile: "{path}"\n')
    config = folder / "nsd.conf"
    config.write_text(
        f"""\
server:
  ip-address: {address}@{port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  chroot: ""
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{"".join(sections)}"""
    )
    with running([program, "-d", "-c", str(config)], lambda: accepts(port, address), folder / "nsd.log"):
        yield port


@contextlib.contextmanager
def unbound(
    folder: Path, stubs: Mapping[str, int], trust_anchors: Sequence[str] = (), more: str = "", ends: str = ""
) -> Iterator[int]:
    """A recursive resolver that asks 127.0.0.1 at the given port about each zone, and nobody else.

    `more` are further lines of its server section, `ends` what stands at the end of its configuration.
    """
    program = require_program("unbound")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "unbound.conf"
    anchors = "".join(f'  trust-anchor: "{anchor}"\n' for anchor in trust_anchors)
    insecure = "" if trust_anchors else "".join(f'  domain-insecure: "{zone}"\n' for zone in stubs)
    sections = "".join(
        f'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{stub_port}\n  stub-no-cache: yes\n'
        for zone, stub_port in stubs.items()
    )
    config.write_text(
        f"""\
server:
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  do-not-query-localhost: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  ede: yes
  module-config: "{"respip " if "rpz:" in ends else ""}validator iterator"
  local-zone: "example." nodefault
  local-zone: "test." nodefault
{anchors}{insecure}{more}remote-control:
  control-enable: no
{sections}{ends}"""
    )
    with running([program, "-d", "-p", "-c", str(config)], lambda: accepts(port), folder / "unbound.log"):
        yield port
