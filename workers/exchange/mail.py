"""Words of exchanges that write letters: an address after RFC 5322 and IDNA, a letter's carrier."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from workers.exchange.notices import Carrier


class WrongAddress(Exception):
    """Not an address to which a letter could be sent. The reason is Russian and does not quote it."""


def mail_address(given: str) -> str:
    """The address in the form in which SMTP takes it, its domain in that of the DNS. Nothing is looked up.

    Raises:
        WrongAddress: it is none, or a server without SMTPUTF8 (RFC 6531) could not be given it.
    """
    try:
        address = validate_email(given, check_deliverability=False).ascii_email
    except EmailNotValidError:
        raise WrongAddress("Адрес электронной почты записан неверно") from None
    if address is None:
        raise WrongAddress("Имя в адресе электронной почты не в латинице")
    return address


class Post(Carrier, Protocol):
    """A carrier of letters that tell of something to be read elsewhere."""

    def link(self, message_id: UUID) -> str:
        """Address of the page where the reader finds what the letter tells of."""
        ...
