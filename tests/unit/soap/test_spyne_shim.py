"""Spyne comes in silently, whatever Python it is."""

from __future__ import annotations

import logging
import subprocess
import sys

from gateway.soap import spyne_shim


def test_spyne_imports_under_strict_warnings() -> None:
    program = "import gateway.soap.spyne_shim, importlib.util; importlib.util.find_spec('no_such_module_here')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_spyne_logs_nothing() -> None:
    for name in ("spyne.protocol.xml", "spyne.protocol.soap.soap11.invalid", "spyne.application.server"):
        log = logging.getLogger(name)
        assert not log.isEnabledFor(logging.CRITICAL)


def test_the_header_parser_of_newer_pythons() -> None:
    parsed = spyne_shim._parse_header('text/xml; charset="utf-8"; action=a')
    assert parsed == ("text/xml", {"charset": "utf-8", "action": "a"})
