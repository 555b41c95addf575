"""Processor time and memory of a process and all it has started. Memory is read from /proc: Linux only."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil

MAPPED: Final = "libtensorflow"
"""In the name of a library that is mapped into every process that has imported TensorFlow."""


def kilobytes(text: str, name: str) -> int:
    """Bytes of the line `name:  123 kB` of /proc/PID/status or smaps_rollup. Raises ValueError where there is none.

    Example:
        >>> kilobytes("Name: x\\nRssAnon:	   12 kB\\n", "RssAnon")
        12288
    """
    found = re.search(rf"^{re.escape(name)}:\s+(\d+) kB$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"There is no line {name!r} in kB.")
    return int(found[1]) * 1024


def tree(process: int) -> list[psutil.Process]:
    """The process and all its living descendants."""
    root = psutil.Process(process)
    return [root, *root.children(recursive=True)]


def processor_s(process: int) -> float:
    """Processor seconds of the tree so far, ended children included."""
    total = 0.0
    for one in tree(process):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_mb(process: int) -> dict[str, Any]:
    """Anonymous memory of the tree in MB (10^6 bytes), resident memory of the first process, and whether it has TensorFlow.

    anonymous: RssAnon of all processes added up. server_anonymous: of the first alone. rollup_anonymous: the same from
    smaps_rollup. workers: number of processes beside it.
    """
    pids = [one.pid for one in tree(process)]
    status, rollup = (Path(f"/proc/{process}/{name}").read_text() for name in ("status", "smaps_rollup"))
    server = kilobytes(status, "RssAnon")
    workers = []
    for pid in pids[1:]:
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):  # one that has just ended states no memory
            workers.append(kilobytes(Path(f"/proc/{pid}/status").read_text(), "RssAnon"))
    return {
        "anonymous": (server + sum(workers)) / 1e6,
        "server_anonymous": server / 1e6,
        "rollup_anonymous": kilobytes(rollup, "Anonymous") / 1e6,
        "resident": kilobytes(status, "VmRSS") / 1e6,
        "workers": len(pids) - 1,
        "tensorflow": MAPPED in Path(f"/proc/{process}/maps").read_text(),
    }
