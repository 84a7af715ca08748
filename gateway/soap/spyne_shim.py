"""The one door to Spyne: makes release 2.14.0 import on Python 3.11 to 3.13 and keeps it silent.

Spyne is unmaintained since 2022. Its vendored ``six`` finds its ``moves`` through an importer protocol that
Python 3.12 removed, it wants ``cgi.parse_header`` that left with 3.13, its source warns when compiled, and its
loggers write whole messages, which here are personal data.
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from email.message import Message
from types import ModuleType
from typing import Any, Final

_MOVED: Final = {
    "": "collections",
    ".collections_abc": "collections.abc",
    ".http_cookies": "http.cookies",
    ".urllib": "urllib",
    ".urllib.error": "urllib.error",
    ".urllib.parse": "urllib.parse",
    ".urllib.request": "urllib.request",
}
"""Where the modules stand in Python 3 that Spyne asks of ``spyne.util.six.moves``."""


def _parse_header(line: str) -> tuple[str, dict[str, str]]:
    """Do what ``cgi.parse_header`` did: split a header into its value and its parameters."""
    message = Message()
    message["content-type"] = line
    value, *parameters = message.get_params(failobj=[(line, "")])
    return value[0], dict(parameters)


def _missing_modules() -> dict[str, ModuleType]:
    modules: dict[str, ModuleType] = {}
    if sys.version_info >= (3, 12):
        for name, real in _MOVED.items():
            modules[f"spyne.util.six.moves{name}"] = importlib.import_module(real)
    if sys.version_info >= (3, 13):
        cgi = ModuleType("cgi")
        vars(cgi)["parse_header"] = _parse_header
        modules["cgi"] = cgi
    return modules


def _import_spyne() -> None:
    for name, module in _missing_modules().items():
        sys.modules.setdefault(name, module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("spyne", "spyne.protocol.soap", "spyne.interface.wsdl", "spyne.server"):
            importlib.import_module(name)
    # Its importer has done its work; left in place, it makes every failing import of this process warn.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "spyne.util.six"]
    if sys.version_info >= (3, 13):
        del sys.modules["cgi"]  # nobody else is to take the stand-in for the real thing
    log = logging.getLogger("spyne")
    log.propagate = False
    log.setLevel(logging.CRITICAL + 1)
    log.addHandler(logging.NullHandler())


_import_spyne()

_spyne: Final = sys.modules["spyne"]
Application: Any = _spyne.Application
MethodContext: Any = _spyne.MethodContext
ServerBase: Any = _spyne.ServerBase
Service: Any = _spyne.Service
rpc: Any = _spyne.rpc

ComplexModel: Any = _spyne.ComplexModel
Boolean: Any = _spyne.Boolean
ByteArray: Any = _spyne.ByteArray
Date: Any = _spyne.Date
DateTime: Any = _spyne.DateTime
Enum: Any = _spyne.Enum
Integer32: Any = _spyne.Integer32
Unicode: Any = _spyne.Unicode

ResourceNotFoundError: Any = _spyne.ResourceNotFoundError
Soap11: Any = sys.modules["spyne.protocol.soap"].Soap11
Soap12: Any = sys.modules["spyne.protocol.soap"].Soap12
Wsdl11: Any = sys.modules["spyne.interface.wsdl"].Wsdl11
