"""The answers of each tool where mail does not get through. Run as root: python -m tests.namespaces.comparison

The scenarios of tests.namespaces.scenarios that are marked for it, given to the real blackbox_exporter (its tcp prober,
with the SMTP dialogue as query_response) and to check_smtp of the Monitoring Plugins, both inside the namespace of the
client and with the same timeout. Printed is a Markdown table. IPv4; the others get the address of the first mail host.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from exporter import __version__
from tests.namespaces.mail_network import SMTP, TIMEOUT, MailNetwork, host_and_port, node_of
from tests.namespaces.network import address
from tests.namespaces.scenario import Scenario
from tests.namespaces.scenarios import SCENARIOS
from tests.support.daemons import accepts, free_port
from tests.support.require import require_program
from tests.support.waiting import until_sync

# Regular expressions over single lines: one that ends the greeting, one that ends the answer to EHLO.
_MODULE: Final = f"""\
modules:
  smtp:
    prober: tcp
    timeout: {TIMEOUT:g}s
    tcp:
      query_response:
        - expect: "^220 "
        - send: "EHLO probe.example\\r"
        - expect: "^250 "
        - send: "QUIT\\r"
"""
_ERROR: Final = re.compile(r'\blevel=error\b.*\berr="(?:[^"]*: )?([^:"]+)"')
# Neither needs longer than its timeout.
_PATIENCE: Final = 4 * TIMEOUT


@dataclass(frozen=True, slots=True)
class Sayings:
    """One scenario in the words of each tool."""

    scenario: str
    mx_exporter: str
    blackbox_exporter: str
    check_smtp: str


class Comparison:
    """The other tools, at work on the client of the lab."""

    def __init__(self, mail_network: MailNetwork, blackbox: str) -> None:
        self._mail_network = mail_network
        self._blackbox = blackbox  # its URL, inside the namespace
        self._check_smtp = require_program("check_smtp")

    def compare(self, scenario: Scenario) -> Sayings:
        """Set the scenario up for each of them."""
        ours = scenario.run(self._mail_network)
        with self._mail_network.set_up(scenario.rules, scenario.client, scenario.speech):
            target = _first_address(scenario)
            return Sayings(
                scenario.name, _ours(ours, target), self.ask_blackbox_exporter(target), self.ask_check_smtp(target)
            )

    def ask_blackbox_exporter(self, target: str) -> str:
        """Its metric, and the reason that it writes to the probe's debug log and nowhere else."""
        parameters = {"target": host_and_port(target), "module": "smtp", "debug": "true"}
        get = partial(httpx.get, self._blackbox + "/probe", params=parameters, timeout=_PATIENCE)
        text = self._mail_network.network.run_in("client", get).text
        success = re.search(r"^probe_success ([01])$", text, re.MULTILINE)
        assert success is not None, text
        error = _ERROR.search(text)
        return f"`probe_success {success[1]}`" + (f" ({error[1]})" if error else "")

    def ask_check_smtp(self, target: str) -> str:
        """Its one line, without the performance data."""
        argv = [self._check_smtp, "-H", target, "-p", str(SMTP), "-F", "probe.example", "-t", f"{TIMEOUT:g}"]
        done = self._mail_network.network.exec("client", argv, check=False, timeout=_PATIENCE)
        return f"`{done.stdout.partition('|')[0].strip().splitlines()[0]}`"


@contextmanager
def comparison(mail_network: MailNetwork) -> Iterator[Comparison]:
    """With a blackbox_exporter that runs until the end of the block."""
    network = mail_network.network
    program = require_program("prometheus-blackbox-exporter")
    with tempfile.TemporaryDirectory(prefix="mx-comparison-") as folder:
        config = Path(folder) / "blackbox.yml"
        config.write_text(_MODULE)
        port = network.run_in("client", free_port)
        argv = [program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        process = network.popen("client", argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until_sync(lambda: network.run_in("client", partial(accepts, port)))
            yield Comparison(mail_network, f"http://127.0.0.1:{port}")
        finally:
            process.kill()
            process.wait()


def _first_address(scenario: Scenario) -> str:
    name = scenario.names[0]
    return name.rpartition(":")[0] if name[0].isdigit() else address("remote-a")


def _ours(lines: list[dict[str, Any]], target: str) -> str:
    (host,) = (host for line in lines for host in line["hosts"] if host["address"] == target)
    failure = host["failure"]
    if failure is None:
        return "up"
    hop = f", {node_of(host['last_hop'])}" if host["last_hop"] else ""
    return f"**{failure['verdict']}**: `{failure['class']}`{hop}"


def _version(program: str) -> str:
    done = subprocess.run([require_program(program), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return found[0] if found else "of unknown version"


def main() -> None:
    """Print the table."""
    versions = _version("prometheus-blackbox-exporter"), _version("check_smtp")
    print(f"| scenario | mx-exporter {__version__} | blackbox_exporter {versions[0]} | check_smtp {versions[1]} |")
    print("|---|---|---|---|")
    with MailNetwork() as mail_network, comparison(mail_network) as tools:
        for scenario in SCENARIOS:
            if scenario.compared:
                said = tools.compare(scenario)
                print(f"| {said.scenario} | {said.mx_exporter} | {said.blackbox_exporter} | {said.check_smtp} |")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
