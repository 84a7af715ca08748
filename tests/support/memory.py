"""How much memory another process has had, as Linux tells it."""

from __future__ import annotations

from pathlib import Path


def peak_bytes(pid: int) -> int:
    """The most resident memory that a running process had so far."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
