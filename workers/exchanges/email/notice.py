"""Письмо: an address after RFC 5322 and IDNA, a letter whose subject tells nothing personal."""

from __future__ import annotations

from typing import Final

from workers.exchange import Channel, Draft, NoticeJob, NotToBeSent, WrongAddress, mail_address

CHANNEL: Final = Channel.EMAIL


def compose(job: NoticeJob) -> Draft:
    """Word one letter; the domain of its address is in the form of the DNS. Nothing is looked up.

    Raises:
        NotToBeSent: no address, or one that a server without SMTPUTF8 (RFC 6531) could not be given.
    """
    wording = job.wording
    text = wording.text_for(job.reminder, job.organization)
    return Draft(_address(job.reminder.email), text, wording.subject_for(job.organization))


def _address(email: str | None) -> str:
    if email is None:
        raise NotToBeSent("Не указан адрес электронной почты")
    try:
        return mail_address(email)
    except WrongAddress as error:
        raise NotToBeSent(str(error)) from None
