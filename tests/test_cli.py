"""The command line from the outside: what it prints and how it exits."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter import __version__
from exporter.demo.domains import DEMO
from exporter.demo.world import DemoWorld
from exporter.report.summary import MAX_WORDS
from tests.support.exporter_process import command
from tests.support.json_schemas import faults

pytestmark = pytest.mark.long

# Without them a check warns.
REFERENCES = "egress: {references: [mx.example.net]}\n"
EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"


@pytest.fixture(scope="module")
def world() -> Iterator[DemoWorld]:
    with DemoWorld() as running:
        yield running


def _run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, input=stdin, check=False, timeout=60)


def _probe(world: DemoWorld, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return _run(*_probing(world, *arguments, "--timeout=2s"), stdin=stdin)


def _probing(world: DemoWorld, *arguments: str) -> tuple[str, ...]:
    address, port = world.nameserver
    return (
        "probe",
        f"--resolver={address}:{port}",
        f"--port={world.smtp_port}",
        "--helo=probe.example",
        "--allow-address=127.0.0.0/8",
        *arguments,
    )


def test_version() -> None:
    assert _run("--version").stdout.startswith(f"mx-exporter, version {__version__} (")


def test_the_example_configuration_is_right() -> None:
    done = _run("--config.check", f"--config.file={EXAMPLE}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_the_web_configuration_is_checked_too(tmp_path: Path) -> None:
    web = tmp_path / "web.yaml"
    web.write_text("{}\n")
    flags = ("--config.check", f"--config.file={EXAMPLE}", f"--web.config.file={web}")
    assert _run(*flags).returncode == 0
    web.write_text("basic_auth_users: {alice: secret}\n")
    done = _run(*flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{web}:1:27: basic_auth_users.alice: must be a bcrypt hash")


def test_flags_that_name_no_shard_are_a_usage_error() -> None:
    done = _run(f"--config.file={EXAMPLE}", "--shard=2", "--total-shards=2")
    assert done.returncode == 2
    assert "--shard must be between 0 and 1 with --total-shards=2, not 2" in done.stderr


def test_every_error_of_a_configuration_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("defaults: {interval: 5}\ndomains: [a..example]\n")
    done = _run("--config.check", f"--config.file={path}")
    assert done.returncode == 2
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [f"{path}:1:22", f"{path}:2:11"]


def test_a_server_without_its_configuration_says_so(tmp_path: Path) -> None:
    done = _run(f"--config.file={tmp_path}/absent.yaml")
    assert done.returncode == 2
    assert "absent.yaml" in done.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("domains: [a.example]\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = _run(f"--config.file={path}", f"--web.listen-address={address}")
    assert done.returncode == 1  # it may be free another time
    assert f'cannot listen on "{address}": Address already in use' in done.stderr


def test_what_may_come_by_itself_exits_with_1_and_beside_a_mistake_with_2(tmp_path: Path) -> None:
    path, web = tmp_path / "config.yaml", tmp_path / "web.yaml"
    path.write_text("domains: [a.example]\n")
    web.write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    done = _run(f"--config.file={path}", f"--web.config.file={web}")
    assert (done.returncode, done.stderr.count("cannot be read: No such file or directory")) == (1, 2)
    path.write_text("domains: [a..example]\n")
    done = _run(f"--config.file={path}", f"--web.config.file={web}")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 3)


def test_a_probe_shows_lookup_dialogue_and_verdict(world: DemoWorld) -> None:
    done = _probe(world, "healthy.example")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "healthy.example: 2 MX",
        "10 mx1.healthy.example: 127.49.1.1",
        "10 mx1.healthy.example [127.49.1.1]",
        "< 220 mx1.healthy.example ESMTP",
        "> EHLO probe.example",
        "> QUIT",
        "< 221 ",
    ):
        assert part in done.stdout
    assert done.stdout.splitlines()[-1] == "healthy.example is up: 2 of 2 addresses take mail."


def test_what_is_down_exits_with_1_and_its_evidence(world: DemoWorld) -> None:
    done = _probe(world, "blocklisted.example")
    assert done.returncode == 1
    verdict, finding, following = done.stdout.splitlines()[-3:]
    assert verdict == "blocked: reputation_blocked at banner, certain"
    assert finding.startswith("  blocklisted.example: mx.blocklisted.example [127.54.30.1] said: 554 5.7.1 ")
    assert following.startswith("  next: find what was sent from our address; then ask ")


def test_nothing_is_said_twice(world: DemoWorld) -> None:
    for name in ("filtered.example", "nxdomain.example", "dangling.example", "hangup.example"):
        lines = _probe(world, name).stdout.splitlines()
        said = [line.strip() for line in lines if line.strip()]
        assert len(set(said)) == len(said)
        # The verdict and its class stand once, whatever else names the host.
        assert sum("certain" in line or "likely" in line.split() for line in said) <= 2
        assert sum(line.startswith("next: ") for line in said) == 1


def test_json_is_one_object_a_line_with_the_names_of_the_metrics(world: DemoWorld) -> None:
    done = _probe(world, "healthy.example", "nullmx.example", "--json")
    assert done.returncode == 1
    found = {answer["name"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert found["healthy.example"]["up"] is True
    assert found["healthy.example"]["hosts"][0]["reply_codes"] == {"banner": 220, "ehlo": 250, "quit": 221}
    assert found["healthy.example"]["verdict"] == "up"
    assert found["healthy.example"]["summary"] == "healthy.example is up: 2 of 2 addresses take mail."
    assert found["healthy.example"]["next"] == ""
    nullmx = found["nullmx.example"]
    assert nullmx["failure"]["class"] == "dns_null_mx"
    assert nullmx["verdict"] == "declined"
    assert nullmx["summary"] == "the null MX record says that nullmx.example takes no mail; this is no fault."
    assert nullmx["evidence"] == []
    assert nullmx["next"] == "nothing is wrong: take nullmx.example out of the configuration"
    assert nullmx["section"] == "docs/reference/classes.md#dns_null_mx"


def test_every_domain_of_the_demo_is_told_in_a_short_sentence_with_what_to_do_next(world: DemoWorld) -> None:
    done = _probe(world, *(domain.name for domain in DEMO), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(DEMO)
    for line in lines:
        assert len(line["summary"].split()) <= MAX_WORDS
        assert line["name"] in line["summary"]
        assert line["up"] or line["next"]
        assert "\n" not in line["next"]
        assert not [each for each in line["evidence"] if each in line["summary"]]
        assert faults(line) == []
    classes = {line["failure"]["class"] for line in lines if line["failure"]}
    assert len(classes) > 15


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ("healthy.example",),
            0,
            r"MX OK - healthy\.example is up: 2 of 2 addresses take mail\. \| time=[0-9.]+s;;;0 ",
        ),
        (("helo.example",), 1, r"MX WARNING - .*, with warnings: .* \(helo_only\) \| time="),
        (("greylisting.example", "--module=mailbox"), 1, r"MX WARNING - degraded, greylisted: "),
        (("refused.example",), 2, r"MX CRITICAL - dead\??, connect_refused: "),
        (("nullmx.example", "healthy.example"), 2, r"MX CRITICAL - 2 names: 1 declined, 1 up - nullmx\.example "),
        ((), 3, "MX UNKNOWN - no NAME given, as in `mx-exporter probe example.org`$"),
        (("a b",), 3, "MX UNKNOWN - .*a b"),
        (("healthy.example", "--jsn"), 3, "MX UNKNOWN - .*--jsn"),
        (("healthy.example", "--json"), 3, "MX UNKNOWN - .*not allowed with"),
        (("healthy.example", "--config.file=/nowhere"), 3, "MX UNKNOWN - /nowhere:1:1: cannot be read"),
        (("healthy.example", "--module=none"), 3, "MX UNKNOWN - --module: no module"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_for_nagios_it_is_one_line_and_a_state(
    world: DemoWorld, arguments: tuple[str, ...], code: int, line: str
) -> None:
    done = _probe(world, "--nagios", *arguments)
    assert re.match(line, done.stdout), done.stdout
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (code, "", 1)


def test_a_list_for_nagios_is_whole_or_unknown(world: DemoWorld) -> None:
    done = _probe(world, "--nagios", "--input=-", stdin="healthy.example\nno_host.example\n")
    assert (done.returncode, done.stdout.startswith("MX UNKNOWN - "), done.stderr) == (3, True, "")


def test_many_names_end_in_a_table_worst_first(world: DemoWorld) -> None:
    names = "healthy.example # fine\n\nimplicit.example\nrefused.example\nnullmx.example\nssh.example\n"
    done = _probe(world, "--input=-", stdin=names)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "CLASS", "ADDRESSES", "UP"]
    assert [line.split()[1].rstrip("?") for line in lines[1:-1]] == ["dead", "misconfigured", "declined", "up", "up"]
    assert lines[-1].startswith("5 names in ")


def test_one_host_is_probed_without_a_lookup(world: DemoWorld) -> None:
    done = _probe(world, f"127.49.1.1:{world.smtp_port}")
    assert done.returncode == 0
    assert "MX" not in done.stdout.splitlines()[0]


def test_a_configured_name_is_probed_as_it_is_configured_unless_a_flag_says_otherwise(
    world: DemoWorld, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
        defaults: {{allow_addresses: [127.0.0.0/8], port: 1, timeout: 2s, helo: defaults.example}}
        resolver: {{nameservers: ["{world.nameserver[0]}:{world.nameserver[1]}"]}}
        domains:
          - {{domain: healthy.example, port: {world.smtp_port}, helo: own.example}}
        hosts:
          - {{host: "127.49.1.1:{world.smtp_port}", helo: host.example}}
        """
    )
    config = f"--config.file={path}"
    assert "> EHLO own.example" in _run("probe", "healthy.example", config).stdout
    assert "> EHLO host.example" in _run("probe", f"127.49.1.1:{world.smtp_port}", config, "--port=1").stdout
    assert "> EHLO flag.example" in _run("probe", "healthy.example", config, "--helo=flag.example").stdout
    assert "connect_refused" in _run("probe", "healthy.example", config, "--port=1").stdout
    assert "connect_refused" in _run("probe", "healthy.example", config, "--module=default").stdout
    assert "connect_refused" in _run("probe", "implicit.example", config).stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("localhost", "EHLO says localhost, "),
        ("mailer", "EHLO says mailer, no fully qualified name"),
        ("nowhere.example", "EHLO says nowhere.example, which does not exist in the DNS"),
        ("noaddress.example", "EHLO says noaddress.example, which has no address in the DNS"),
        ("probe.example", ""),
        ("[192.0.2.1]", ""),
    ],
)
def test_a_helo_that_nobody_can_look_up_is_warned_of_wherever_it_is_read(
    world: DemoWorld, tmp_path: Path, name: str, said: str
) -> None:
    path = tmp_path / "config.yaml"
    server = "{}:{}".format(*world.nameserver)
    resolver = f'resolver: {{nameservers: ["{server}"]}}\n'
    path.write_text(f'defaults: {{helo: "{name}"}}\n{resolver}{REFERENCES}domains: [nullmx.example]\n')
    for arguments in (
        ("probe", f"--resolver={server}", f"--helo={name}", "--json", "nullmx.example"),
        ("probe", f"--config.file={path}", "nullmx.example"),
        ("--config.check", f"--config.file={path}"),
    ):
        done = _run(*arguments)
        assert (said in done.stderr) if said else not done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == (1 if said else 0)
        assert done.returncode == (1 if arguments[0] == "probe" else 0), "a warning, no failure"
        assert "EHLO says" not in done.stdout


def test_a_helo_is_not_warned_of_where_the_resolver_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "defaults: {helo: mail.example.net}\nresolver: {nameservers: [127.0.0.1:1], timeout: 500ms}\n"
        f"{REFERENCES}domains: [a.example]\n"
    )
    done = _run("--config.check", f"--config.file={path}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("probe",), "no NAME"),
        (("probe", "not a domain"), "argument 1"),
        (("probe", "a.example", "--module=absent"), "--module"),
        (("probe", "a.example", "--resolver=nowhere"), "--resolver"),
        (("probe", "a.example", "--port=0"), "--port"),
        (("probe", "a.example", "--timeout=0s"), "--timeout"),
        (("probe", "a.example", "--helo=a b"), "--helo"),
        (("probe", "a.example", "--allow-address=10.0.0.1/8"), "--allow-address"),
        (("probe", "--input=/nowhere/at/all"), "--input"),
        (("prob", "a.example"), "unknown command 'prob'; did you mean `mx-exporter probe a.example`?"),
        (("example.org",), "did you mean `mx-exporter probe example.org`?"),
        (("probe", "--modul=full", "a.example"), "unknown flag --modul; did you mean --module?"),
        (("trace", "--starttls", "a.example"), "which belongs to `mx-exporter probe example.org`"),
        (("--confg.file=a.yaml",), "did you mean --config.file?"),
        (("probe", "--rcpt=nobody", "a.example"), "--rcpt"),
    ],
)
def test_a_mistake_of_the_user_exits_with_2_and_says_which(arguments: tuple[str, ...], said: str) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_anything_it_shows_the_commands_with_an_example_each() -> None:
    done = _run()
    assert (done.returncode, done.stdout) == (2, "")
    for example in ("--config.file=config.yaml", "probe example.org", "trace example.org", "demo"):
        assert f"mx-exporter {example} " in done.stderr


def test_all_wrong_lines_are_told_and_the_others_probed(world: DemoWorld) -> None:
    names = "healthy.example\na_b.example\nhttps://nullmx.example/path\nx..example\n"
    done = _probe(world, "--input=-", stdin=names)
    assert done.returncode == 2
    told = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in told] == ["-:3", "-:2", "-:4"]
    assert told[0].endswith("'https://nullmx.example/path' is a URL; taken is nullmx.example")
    assert "healthy.example is up" in done.stdout
    assert "dns_null_mx" in done.stdout


def test_by_hand_it_says_more_than_ehlo_without_a_configuration(world: DemoWorld) -> None:
    done = _probe(world, "healthy.example", "--rcpt=alice@healthy.example", "--from=me@probe.example", "-4")
    for words in ("> MAIL FROM:<me@probe.example>", "> RCPT TO:<alice@healthy.example>", "> QUIT"):
        assert words in done.stdout
    assert "STARTTLS\n" not in done.stdout.replace("250-STARTTLS", "").replace("250 STARTTLS", "")
    assert "> RCPT TO:<postmaster@healthy.example>" in _probe(world, "healthy.example", "--module=mailbox").stdout
    assert "* TLSv1.3 " in _probe(world, "healthy.example", "--starttls").stdout
    six = _probe(world, "healthy.example", "-6")
    assert (six.returncode, "127.49." in six.stdout) == (1, False)


def test_a_lookup_that_failed_found_no_implicit_mx(world: DemoWorld) -> None:
    assert _probe(world, "nxdomain.example").stdout.startswith("nxdomain.example: 0 MX")
    assert _probe(world, "implicit.example").stdout.startswith("implicit.example: implicit MX")


def test_an_interrupt_ends_it_with_what_is_known_by_then(world: DemoWorld) -> None:
    names = ("healthy.example", "implicit.example", "refused.example", "nullmx.example", "mute.example")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*_probing(world, *names, "--timeout=60s")),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        # A shell ignores it for what it starts in the background, and so would everything below.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        os.close(theirs)
        shown = b""
        while b" 4/5 " not in shown:
            shown += os.read(ours, 1024)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while more := os.read(ours, 1024):
                shown += more
    os.close(ours)
    assert process.returncode == 130
    assert shown.endswith(b"\r\x1b[K")
    assert [line.split()[0] for line in out.splitlines()[1:-2]] == [
        "refused.example", "nullmx.example", "healthy.example", "implicit.example",
    ]  # fmt: skip
    assert out.splitlines()[-2].startswith("4 of 5 names, then interrupted, in ")
    assert out.splitlines()[-1] == "without a result: mute.example"


def test_closed_standard_streams_are_no_obstacle(world: DemoWorld) -> None:
    arguments = command(*_probing(world, "healthy.example"))
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *arguments], check=False, timeout=60)
    assert done.returncode == 0


def test_a_check_tells_the_lines_of_domain_files_that_are_skipped_and_is_content(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{REFERENCES}domain_files: [a.txt, b.txt]\n")
    (tmp_path / "a.txt").write_text("a.example\n" + "b_d.example\n" * 12)
    (tmp_path / "b.txt").write_text("a.example\n")
    done = _run(f"--config.file={path}", "--config.check")
    assert (done.returncode, done.stdout) == (
        0,
        f"{path}: 1 domain, 0 hosts, 1 module in 3 files, 12 lines skipped\n",
    )
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"warning: {tmp_path}/a.txt:2:1: 'b_d.example' is not a host name")
    assert lines[10:] == [
        f"warning: {tmp_path}/a.txt: 12 lines are skipped in all",
        f"warning: {tmp_path}/b.txt:1:1: a.example: is configured twice; the first is at {tmp_path}/a.txt:1:1",
    ]
    (tmp_path / "b.txt").unlink()
    failed = _run(f"--config.file={path}", "--config.check")
    assert (failed.returncode, f"{tmp_path}/b.txt:1:1: cannot be read" in failed.stderr) == (2, True)
