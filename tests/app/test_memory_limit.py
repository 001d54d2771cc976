"""Limits as the kernel tells them, in folders made like its own, and what is told of one that is too small."""

from __future__ import annotations

import logging
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.app.memory_limit import MIB, RESIDENT_BYTES, TARGET_BYTES, MemoryCheck, is_shortage, limits

VERSION_2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
VERSION_1 = "35 31 0:32 {root} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"


def group(root: Path, folder: str, **files: str) -> None:
    path = root / folder
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / f"memory.{name}").write_text(f"{text}\n")


def machine(root: Path, own: str, mounts: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(own)
    (root / "proc/self/mountinfo").write_text(mounts)


def found(root: Path) -> set[tuple[int, str]]:
    return {(limit.size, limit.name) for limit in limits(root) if not limit.name.startswith("RLIMIT")}


def test_every_group_up_to_the_root_may_have_a_limit(tmp_path: Path) -> None:
    machine(tmp_path, "0::/system.slice/mx.service\n", VERSION_2)
    group(tmp_path, "sys/fs/cgroup")
    group(tmp_path, "sys/fs/cgroup/system.slice", max="max", high="900")
    group(tmp_path, "sys/fs/cgroup/system.slice/mx.service", max="700", high="max")
    assert found(tmp_path) == {
        (900, "memory.high of /sys/fs/cgroup/system.slice"),
        (700, "memory.max of /sys/fs/cgroup/system.slice/mx.service"),
    }


def test_in_a_namespace_of_its_own_the_group_is_the_root(tmp_path: Path) -> None:
    machine(tmp_path, "0::/\n", VERSION_2)
    group(tmp_path, "sys/fs/cgroup", max="700")
    assert found(tmp_path) == {(700, "memory.max of /sys/fs/cgroup")}


@pytest.mark.parametrize(("root", "folder"), [("/", "docker/abc"), ("/docker", "abc"), ("/docker/abc", "")])
def test_version_1_is_read_where_it_is_mounted(tmp_path: Path, root: str, folder: str) -> None:
    machine(tmp_path, "4:memory:/docker/abc\n8:pids:/\n0::/\n", VERSION_1.format(root=root))
    group(tmp_path, f"sys/fs/cgroup/memory/{folder}", limit_in_bytes="700")
    where = f"/sys/fs/cgroup/memory/{folder}".rstrip("/")
    assert found(tmp_path) == {(700, f"memory.limit_in_bytes of {where}")}


def test_no_limit_is_none(tmp_path: Path) -> None:
    machine(tmp_path, "4:memory:/\n0::/\n", VERSION_2 + VERSION_1.format(root="/"))
    group(tmp_path, "sys/fs/cgroup", max="max")
    group(tmp_path, "sys/fs/cgroup/memory", limit_in_bytes="9223372036854771712")
    assert found(tmp_path) == set()


def test_another_system_has_no_groups(tmp_path: Path) -> None:
    assert found(tmp_path) == set()


def test_a_limit_that_is_too_small_is_told_once_and_again_when_much_more_is_needed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine(tmp_path, "0::/\n", VERSION_2)
    group(tmp_path, "sys/fs/cgroup", max=str(RESIDENT_BYTES + 1000 * TARGET_BYTES))
    check = MemoryCheck(tmp_path)
    with caplog.at_level(logging.WARNING, "exporter.app.memory_limit"):
        check(1000)
        assert not caplog.records
        for targets in (2000, 2000, 2100, 10_000):
            check(targets)
    told = [record.fields for record in caplog.records]  # type: ignore[attr-defined]
    assert [fields["targets"] for fields in told] == [2000, 10_000]
    assert (told[0]["limit"], told[0]["needed"]) == ("118 MiB", "128 MiB")
    assert told[0]["where"] == "memory.max of /sys/fs/cgroup"
    assert "MemoryMax" in told[0]["change"]


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (RuntimeError("can't start new thread"), True),
        (ImportError("x.so: failed to map segment from shared object"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (ValueError("memory"), False),
    ],
)
def test_errors_for_want_of_memory_are_known(error: Exception, short: bool) -> None:
    assert is_shortage(error) == short
    wrapped = RuntimeError("the web server did not start")
    wrapped.__cause__ = error
    assert is_shortage(wrapped) == short


def started(config: Path, kind: int, size: int) -> subprocess.CompletedProcess[str]:
    """The exporter under a limit of its own, until it ends by itself or is known to serve."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", f"--config.file={config}", "--web.listen-address=127.0.0.1:0"],
        preexec_fn=lambda: resource.setrlimit(kind, (size, size)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("targets", "kind", "size"),
    [
        (1, resource.RLIMIT_AS, 50 * MIB),
        (1, resource.RLIMIT_AS, 100 * MIB),
        (1, resource.RLIMIT_DATA, 40 * MIB),
        (20_000, resource.RLIMIT_AS, 160 * MIB),
    ],
)
def test_too_small_a_limit_ends_the_start_in_one_sentence(tmp_path: Path, targets: int, kind: int, size: int) -> None:
    config = tmp_path / "config.yaml"
    names = "".join(f"  - d{number}.example.com\n" for number in range(targets))
    config.write_text(f"defaults: {{helo: probe.example.net}}\ndomains:\n{names}")
    ended = started(config, kind, size)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert "memory limit" in last
    assert f"{size // MIB} MiB" in last
    assert "Traceback" not in ended.stderr
