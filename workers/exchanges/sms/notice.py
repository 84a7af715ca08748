"""SMS-уведомление: a mobile number in E.164 and a short text. Source: ITU-T E.164; план нумерации ЕСЭ (приказ
Минцифры России № 205 от 31.01.2022) as ``phonenumbers`` knows it."""

from __future__ import annotations

from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from workers.exchange import Channel, Draft, NoticeJob, NotToBeSent

CHANNEL: Final = Channel.SMS
_MOBILE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def compose(job: NoticeJob) -> Draft:
    """Word one SMS; the address is ``+7…``. A number without a country code is taken for a Russian one.

    Raises:
        NotToBeSent: no number, not a number, or not a mobile one.
    """
    return Draft(_mobile(job.reminder.phone), job.wording.text_for(job.reminder, job.organization))


def _mobile(phone: str | None) -> str:
    if phone is None:
        raise NotToBeSent("Не указан мобильный телефон")
    try:
        number = phonenumbers.parse(phone, "RU")
    except NumberParseException:
        raise NotToBeSent("Телефон записан неверно") from None
    if not phonenumbers.is_valid_number(number):
        raise NotToBeSent("Телефона с таким номером не бывает")
    if phonenumbers.number_type(number) not in _MOBILE:
        raise NotToBeSent("Телефон не мобильный")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
