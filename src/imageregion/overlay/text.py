"""Text as alpha masks, in the font that Pillow brings along."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["TextPatch", "fit_text", "text_patch"]

_HALO = 2  # px of dark rim around the letters
_NONE = "\uffff"  # no character; drawn as what stands for those that a font lacks
_SPELLING = dict(
    zip(
        "ßẞæÆœŒþÞøØđĐðÐłŁı–—−×µμ⁄",  # noqa: RUF001
        ["ss", "SS", "ae", "AE", "oe", "OE", "th", "Th", *"oOdDdDlLi---xuu/"],
        strict=True,
    )
)
_LONGEST = 80  # characters of a text that are ever looked at


@dataclass(frozen=True, slots=True, eq=False)
class TextPatch:
    """A line of text: alpha of its letters and of the rim around them, both (height, width)."""

    core: NDArray[np.float32]
    halo: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in canvas px, rim included."""
        return self.core.shape[0], self.core.shape[1]


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache(maxsize=1024)
def _drawn(character: str) -> bytes:
    """The px of a character."""
    image = Image.new("L", (32, 32))
    ImageDraw.Draw(image).text((2, 2), character, fill=255, font=_font(16))
    return image.tobytes()


@lru_cache(maxsize=1024)
def _spelled(character: str) -> str:
    """Spell a character with those the font has: itself, its base letters, or "?"."""
    if character.isascii() or _drawn(character) != _drawn(_NONE):
        return character
    parts = unicodedata.normalize("NFKD", _SPELLING.get(character, character))
    return "".join(
        _SPELLING.get(c, c if c.isascii() else "?") for c in parts if not unicodedata.combining(c)
    )


def clean_text(text: str) -> str:
    r"""Return one printable line of at most 80 characters that the font has.

    Examples
    --------
    >>> clean_text("Größe\tŻ ﬀ 肝")
    'Grosse Z ff ?'
    """
    safe = text[: 4 * _LONGEST].encode("utf-8", "replace").decode("utf-8")
    safe = unicodedata.normalize("NFC", safe)
    safe = "".join(_spelled(c) if c.isprintable() else " " for c in safe)
    line = " ".join(safe.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3].rstrip() + "..."


def text_patch(text: str, size: int) -> TextPatch:
    """Draw one line of text in letters of `size` px."""
    line = clean_text(text)
    font = _font(size)
    left, top, right, bottom = font.getbbox(line or " ", stroke_width=_HALO)
    extent = (max(1, int(np.ceil(right - left))), max(1, int(np.ceil(bottom - top))))
    layers = []
    for stroke in (0, _HALO):
        image = Image.new("L", extent)
        draw = ImageDraw.Draw(image)
        draw.text((-left, -top), line, fill=255, font=font, stroke_width=stroke)
        layers.append(np.asarray(image, dtype=np.float32) / np.float32(255))
    return TextPatch(*layers)


def text_width(text: str, size: int) -> int:
    """Width in px of one line of text, rim included."""
    left, _, right, _ = _font(size).getbbox(clean_text(text) or " ", stroke_width=_HALO)
    return int(np.ceil(right - left))


def fit_text(text: str, size: int, width: int) -> str:
    """Shorten a text with "..." until it is no wider than `width` px; may become empty.

    Examples
    --------
    >>> fit_text("left ventricle", 12, 1000)
    'left ventricle'
    """
    line = clean_text(text)
    if text_width(line, size) <= width:
        return line
    for length in range(len(line) - 1, 0, -1):
        shorter = line[:length].rstrip() + "..."
        if text_width(shorter, size) <= width:
            return shorter
    return ""
