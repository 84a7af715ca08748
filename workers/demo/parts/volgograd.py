"""ТФОМС Волгоградской области: the same stays in a region's own format; what was not taken is sent again alone."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from workers.demo.parts import Settings
from workers.demo.parts.volgograd_data import documents
from workers.demo.region import ORGANIZATIONS, Document
from workers.demo.stage import Stage
from workers.sandbox.volgograd import VolgogradSandbox

SERVICE: Final = "tfoms-263"


class Volgograd:
    """«Передача сведений о госпитализации в ТФОМС (Волгоград, формат 263)», over SFTP."""

    def __init__(self) -> None:
        self._sandbox = VolgogradSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in fund over two folders."""
        self._sandbox.start(folder, username="gateway", password=secrets.token_urlsafe(12))
        stack.callback(self._sandbox.stop)
        return {"volgograd": self._sandbox.sftp_settings}

    def play(self, stage: Stage) -> None:
        """Submit and launch; then correct what the fund and ФЛК found, and launch again."""
        made = {o.oid: list(documents(o)) for o in ORGANIZATIONS}
        stage.submit(SERVICE, made, "МИС передаёт исходные документы (формат 263)")
        stage.launch(SERVICE, "Волгоград, формат 263")
        repaired = {oid: [_repaired(each) for each in given if _is_refused(each)] for oid, given in made.items()}
        stage.submit(SERVICE, {oid: each for oid, each in repaired.items() if each}, "МИС исправляет полисы")
        stage.launch(SERVICE, "Волгоград, формат 263: исправленное и непринятое")


def _is_refused(document: Document) -> bool:
    return b"000</NPOLIS>" in (document.content or b"")


def _repaired(document: Document) -> Document:
    return document.changed(b"000</NPOLIS>", b"001</NPOLIS>")


PART = Volgograd
