"""Text is drawn with the letters the font has, never as boxes."""

import numpy as np
import pytest

from imageregion.overlay.text import clean_text, text_patch


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("lesion 1", "lesion 1"),
        ("Größe", "Grosse"),
        ("Gro\u0308\u00dfe", "Grosse"),
        ("Łódź Ærø", "Lodz AEro"),
        ("肝 x", "? x"),
        ("½ µm²", "1/2 um2"),
        ("37°", "37°"),
        ("a\u202eb\x00c", "a b c"),
        ("\ud800", "?"),
    ],
)
def test_what_the_font_lacks_is_spelled_otherwise(text: str, drawn: str) -> None:
    assert clean_text(text) == drawn
    np.testing.assert_array_equal(text_patch(text, 14).core, text_patch(drawn, 14).core)


def test_every_letter_of_a_label_is_in_the_font() -> None:
    box = text_patch("A", 16).core.shape
    assert all(text_patch(c, 16).core.any() for c in map(chr, range(33, 127)))
    assert text_patch("\uffff", 16).core.shape != box or clean_text("\uffff") == "?"
