"""How much memory and how many processors this process may really use."""

import os
import subprocess
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int | None:
    """Memory that can be taken without swapping, or None where the system does not say."""
    found = [value for value in (_free_memory(), _left_in_container()) if value is not None]
    return min(found, default=None)


def resident_bytes(pid: int) -> int | None:
    """Memory that the process `pid` takes now, or None where the system does not say."""
    for line in _lines(Path(f"/proc/{pid}/status")):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    try:
        asked = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, timeout=2, check=True)
        return int(asked.stdout) * 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def threads_for_inference() -> int:
    """One thread on two cores or less, else the physical cores but one.

    llama.cpp's threads wait for each other by spinning: on shared cores more threads than free cores made it ten
    times slower (measured 2026-11-22: 5 instead of 53 tokens per second).
    """
    count = cores()
    return 1 if count <= 2 else count - 1


def cores() -> int:
    """Physical cores that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(value for value in (allowed, _physical_cores(), _container_cores()) if value)


def _free_memory() -> int | None:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return None


def _left_in_container() -> int | None:
    limit, used = _lines(_CGROUP / "memory.max"), _lines(_CGROUP / "memory.current")
    if not limit or not used or not limit[0].isdigit():
        return None
    return max(0, int(limit[0]) - int(used[0]))


def _container_cores() -> int | None:
    line = next(iter(_lines(_CGROUP / "cpu.max")), "").split()
    if len(line) != 2 or not line[0].isdigit():
        return None
    return max(1, int(line[0]) // int(line[1]))


def _physical_cores() -> int | None:
    """Cores counted without hyper-threads; None off Linux and where the processor does not number them."""
    cores: set[tuple[str, str]] = set()
    package = ""
    for line in _lines(Path("/proc/cpuinfo")):
        key, _, value = line.partition(":")
        if key.strip() == "physical id":
            package = value.strip()
        elif key.strip() == "core id":
            cores.add((package, value.strip()))
    return len(cores) or None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("ascii", "replace").splitlines()
    except OSError:
        return []
