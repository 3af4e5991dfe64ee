"""Documents: the selections in one, and what of it conversion leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageregion.converting.digits import digit_losses
from imageregion.converting.envelope import envelope_losses
from imageregion.errors import Issue

if TYPE_CHECKING:
    from imageregion.fhir.normalized import Dialect
    from imageregion.fhir.selection import Selection

__all__ = ["read_all"]


def read_all(
    source: Any, dialect: Dialect | None, found: list[tuple[str, Issue]]
) -> list[Selection]:
    """Read selections, and append to `found` what else the document holds.

    Parameters
    ----------
    source, dialect
        As for `read_selections`.
    found : list of (str, Issue)
        Losses, with the name of the file or place they are in.

    Raises
    ------
    InputError, FhirError
        As `read_selections`.

    Examples
    --------
    >>> found = []
    >>> good = {"resourceType": "ImagingSelection", "status": "available", "code": {},
    ...         "seriesUid": "1.2"}
    >>> read_all({"resourceType": "Bundle", "id": "a", "entry": [{"resource": good}]}, None, found)
    [Selection('Bundle.entry[0].resource', available, 1 region: 1 image)]
    >>> found[0][1].path
    'Bundle.id'
    """
    from imageregion.fhir.document import read_everything
    from imageregion.fhir.reading.capped import capped

    losses: dict[str, dict[Issue, None]] = {}

    def note(value: Any, place: str, is_read: bool) -> None:
        for name, issue in envelope_losses(value, place, is_read):
            losses.setdefault(name, {})[issue] = None

    read = list(read_everything(source, note, dialect=dialect))
    found += [(name, issue) for name, issues in losses.items() for issue in capped(issues)]
    name = str(source) if isinstance(source, Path) else ""
    found += [(name, issue) for issue in digit_losses(source)]
    return read
