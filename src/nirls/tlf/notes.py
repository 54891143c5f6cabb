"""Footnotes of one display, gathered while its cells are written."""

from __future__ import annotations

from nirls.tlf.document import Footnote
from nirls.tlf.lookup import Found


class Notes:
    """Marks footnotes a, b, c … in the order they are first needed; the same text has one mark."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._general: list[str] = []

    def mark(self, text: str) -> str:
        """The mark of a footnote."""
        if text not in self._marks:
            n = len(self._marks)
            self._marks[text] = (chr(ord("a") + n // 26 - 1) if n >= 26 else "") + chr(ord("a") + n % 26)
        return self._marks[text]

    def general(self, text: str) -> None:
        """A footnote that holds for the whole display."""
        if text and text not in self._general:
            self._general.append(text)

    def marks(self, *found: Found) -> tuple[str, ...]:
        """Marks for what the results say about a cell: not estimable and why, and warnings."""
        out: list[str] = []
        for one in found:
            if one.value != one.value and one.stat_name != "text":
                out.append(self.mark(f"NE: not estimable. {_sentence(one.error or 'No reason was recorded.')}"))
            if one.warning:
                out.append(self.mark(_sentence(one.warning)))
        return tuple(dict.fromkeys(out))

    def footnotes(self, given: list[str]) -> tuple[Footnote, ...]:
        """The plan's footnotes, then general ones, then marked ones."""
        texts = list(dict.fromkeys([*given, *self._general]))
        return (*(Footnote(text=t) for t in texts), *(Footnote(text=t, mark=m) for t, m in self._marks.items()))


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]) + ("" if text.endswith((".", "!", "?")) else ".")
