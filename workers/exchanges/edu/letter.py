"""Письмо школе: извещение со ссылкой, без сведений о ребёнке и его здоровье (323-ФЗ, статья 13; 152-ФЗ, статья 19)."""

from __future__ import annotations

from typing import Final

SUBJECT: Final = "Новое уведомление для образовательной организации"
_TEXT: Final = """
Здравствуйте!

Для организации «{school}» есть новое уведомление. Прочитать его можно на портале после входа:

{link}

Сведений о детях в этом письме нет. Оно отправлено автоматически, отвечать на него не нужно.
"""


def text_of(school: str, link: str) -> str:
    """The text of a letter; pure. The name is taken out of its own quotation marks where it stands in them."""
    return _TEXT.format(school=school.strip().removeprefix("«").removesuffix("»"), link=link)
