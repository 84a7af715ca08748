"""One run of the update: download the register, compare versions, lay every УЦ aside, put the issue in force.

Sources: перечень аккредитованных УЦ on e-trust.gosuslugi.ru; a УЦ that cannot be read is an error of the session and
does not stop the others.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from workers.exchange import (
    Authorities,
    Authority,
    Download,
    Element,
    Freshness,
    Issue,
    PeerRefused,
    Session,
    SessionEvent,
    TransportError,
)
from workers.exchanges.ca.authority import Unreadable, key_of, label, moment, read

ROOT: Final = "АккредитованныеУдостоверяющиеЦентры"
ENTRY: Final = "УдостоверяющийЦентр"

START: Final = "Запуск импорта данных из сервиса УЦ"
SUCCESS: Final = "Импорт данных из сервиса УЦ завершён успешно"
FAILURE: Final = "Импорт данных из сервиса УЦ завершён с ошибкой: {reason}"
UNVERIFIED: Final = "Проверка подписи файла: подпись не проверена"

BATCH: Final = 200
BATCH_BYTES: Final = 32 * 1024
"""УЦ laid aside by one transaction, and bytes of their certificates after which it is not waited for more."""
MAX_TOLD: Final = 5
"""Findings of one УЦ that its error names."""


def run(session: Session) -> str:
    """Update the register; the text of the result tells the counts.

    Raises:
        PeerRefused: the text is that of a failed import, with the reason.
    """
    with session.event("1", START):
        pass
    try:
        told = _update(session)
    except TransportError as error:
        failure = FAILURE.format(reason=error)
        with session.event("7", failure):
            pass
        raise PeerRefused(failure) from None
    with session.event("6", SUCCESS, told):
        pass
    return f"{SUCCESS}: {told}"


def _update(session: Session) -> str:
    authorities = session.authorities
    current = authorities.current()
    if session.settings.get("force", "").lower() in ("1", "true", "yes", "да"):
        current = None
    download = _download(session, current.freshness if current else None)
    if download is None:
        return f"версия {current.version if current else ''} уже загружена, файл не менялся"
    with closing(download):
        issue = _heading(download)
        if current is not None and issue.version <= current.version:
            if issue.version == current.version:
                authorities.refresh(issue.freshness)
            return f"версия {issue.version} не новее загруженной версии {current.version}"
        _verify(session, download)
        return _load(session, authorities, issue, download)


def _download(session: Session, known: Freshness | None) -> Download | None:
    with session.event("2", "Получение файла реестра УЦ") as event:
        event.sent()
        download: Download | None = session.transport.fetch(known)
        event.answered()
        return download


def _heading(download: Download) -> Issue:
    """Version and date, which stand before the first УЦ."""
    texts: dict[str, str] = {}
    for child in download.children(ROOT):
        if child.tag == ENTRY:
            break
        texts[str(child.tag)] = (child.text or "").strip()
    try:
        version = int(texts.get("Версия", ""))
        issued_at = moment(texts.get("Дата", ""))
    except (ValueError, Unreadable):
        raise PeerRefused("В файле нет версии и даты выпуска") from None
    if not 0 <= version < 2**63:
        raise PeerRefused("Версия выпуска вне допустимых значений")
    return Issue(version, issued_at, download.size, download.sha256, download.freshness)


def _verify(session: Session, download: Download) -> None:
    if session.transport.verify(download):
        with session.event("3", "Проверка подписи файла: подпись верна"):
            pass
    else:
        with session.event("3", UNVERIFIED):
            pass


def _load(session: Session, authorities: Authorities, issue: Issue, download: Download) -> str:
    about = f"версия {issue.version} от {issue.issued_at:%d.%m.%Y}, {issue.size} байт, SHA-256 {issue.sha256.hex()}"
    with session.event("4", "Сохранение файла реестра УЦ", about):
        authorities.begin(issue, download.file)
    with session.event("5", "Обработка сведений об УЦ", f"версия {issue.version}") as event:
        batch = _Batch(session, authorities, event)
        for child in download.children(ROOT):
            if child.tag == ENTRY:
                batch.take(child)
        batch.flush()
        if not batch.taken:
            raise PeerRefused("В выпуске нет ни одного УЦ")
        counts = authorities.complete()
    told = f"версия {issue.version}, всего УЦ: {batch.taken}, новых: {counts.added}, изменённых: {counts.changed}"
    told += f", исключённых: {counts.missing}" if counts.missing else ""
    return f"{told}, с ошибками: {batch.wrong}" if batch.wrong else told


@dataclass(slots=True)
class _Batch:
    """УЦ on their way to the journal; ``taken`` and ``wrong`` count them over the whole issue."""

    session: Session
    authorities: Authorities
    event: SessionEvent
    taken: int = 0
    wrong: int = 0
    _read: list[Authority] = field(default_factory=list)
    _unreadable: list[tuple[str, str]] = field(default_factory=list)
    _bytes: int = 0

    def take(self, element: Element) -> None:
        """Judge one УЦ by itself and add it."""
        self.taken += 1
        findings = self.session.findings(element)
        if findings:
            reasons = [f"{finding.path}: {finding.message}" for finding in findings[:MAX_TOLD]]
            self._refuse(element, "Проверка по схеме", "\n".join(reasons))
            return
        try:
            authority, mislabelled = read(element)
        except Unreadable as error:
            self._refuse(element, "Чтение сведений", str(error))
            return
        if mislabelled:
            reason = f"Отпечаток не соответствует сертификату, сертификатов: {mislabelled}"
            self.event.error("Сертификаты", reason, label(element), fails=False)
        self._read.append(authority)
        self._bytes += sum(len(certificate.der) for certificate in authority.certificates)
        if len(self._read) + len(self._unreadable) >= BATCH or self._bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Lay the batch aside; a УЦ that stands in the issue twice counts once."""
        if not self._read and not self._unreadable:
            return
        stored = self.authorities.put(self._read, self._unreadable)
        for authority in self._read:
            key = (authority.inn, authority.ogrn)
            if key in stored:
                stored.discard(key)
            else:
                self.wrong += 1
                about = f"{authority.name}, ОГРН {authority.ogrn}"
                self.event.error("Проверка выпуска", "УЦ встречается в выпуске дважды", about, fails=False)
        self._read, self._unreadable, self._bytes = [], [], 0

    def _refuse(self, element: Element, stage: str, reason: str) -> None:
        self.wrong += 1
        self.event.error(stage, reason, label(element), fails=False)
        if (key := key_of(element)) is not None:
            self._unreadable.append(key)
