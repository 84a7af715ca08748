"""A wheel made by hand: one package and its entry point, as a region would publish its exchanges."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def install_exchanges(package: str, exchanges: Path, target: Path, work: Path) -> None:
    """Pack every folder of ``exchanges`` into a wheel of one package and install it with pip into ``target``."""
    wheel = work / f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    files = {f"{package}/__init__.py": b'"""Exchanges of a region."""\n'}
    for path in sorted(exchanges.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            files[f"{package}/{path.relative_to(exchanges)}"] = path.read_bytes()
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = f"[gateway.exchanges]\nregion = {package}\n".encode()
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/RECORD", record)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*command, "--disable-pip-version-check", "--target", str(target), str(wheel)], check=True)
