"""Audit: measure again what Observations state, and explain the numbers that differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imageregion.auditing.chance import MOST_CHANCE_HITS, Family
from imageregion.auditing.choices import is_closed, is_of_pixels, stated_settings, stated_value
from imageregion.auditing.claims import Claim
from imageregion.auditing.findings import Audit, AuditedNumber, Reason
from imageregion.auditing.group import Group, audited_group, judge, refused
from imageregion.auditing.measuring_again import Measured, Measurer
from imageregion.fhir.linking import link
from imageregion.fhir.links.values import Link, LinkedRegion, Links

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection

__all__ = ["audit", "open_linked"]

_MOST_REGIONS = 50
"""Regions that may be meant by one number, and others that it is compared with."""


def audit(bundle: Any, images: Any) -> Audit:
    """Measure again every number that the Observations of a document state.

    A number matches when ours, rounded to its digits, is that number; units of one kind are
    converted. For one that differs mistakes are tried by measuring under them: another rule,
    convention of coordinates, spacing, quantity, region, frame, unit, ... An explanation is given
    only where it reproduces the number to its digits, and where so few such hits are to be expected
    by chance in the whole document that it can be believed; see `auditing.agreement` and
    `auditing.chance` for the rules.

    Parameters
    ----------
    bundle : Links
        Or anything `link` takes.
    images : Images
        Or anything `open_images` takes.

    Returns
    -------
    Audit
        One finding for each number in the order of the document. What cannot be audited is among
        them with its reason, and stops nothing.

    Raises
    ------
    InputError
        When the document or the images cannot be read.
    FhirError
        When there is no resource in the document.

    Examples
    --------
    >>> from imageregion.demo import demo_image, demo_selection
    >>> from imageregion.measuring import measure
    >>> bundle = measure(demo_selection(), demo_image()).to_observations()
    >>> audit(bundle, demo_image()).is_clean
    True
    """
    links = bundle if isinstance(bundle, Links) else link(bundle)
    work = _Work(links, Measurer(_as_images(images, links)))
    findings = sorted(work.findings(), key=lambda pair: pair[0])
    issues = [issue for one in links.links for issue in one.issues]
    return Audit(tuple(finding for _, finding in findings), (*links.issues, *issues))


def open_linked(links: Links, opening: Callable[[Sequence[Selection], bool], Images]) -> Images:
    """Open the series that Observations name; whole studies where that is not enough.

    Parameters
    ----------
    links : Links
    opening : callable
        Opens images, given the selections and whether servers are asked for whole studies.
    """
    images = opening(links.selections, False)
    measured = {uid for one in links.links for uid in one.instances}
    if images.traffic is None or all(images.of_instance(uid) for uid in measured):
        return images
    return opening(links.selections, True)


def _as_images(source: Any, links: Links) -> Images:
    from imageregion.access import open_images
    from imageregion.dicom.images import Images
    from imageregion.dicom.web.settings import WebSettings

    def opening(selections: Sequence[Selection], whole_study: bool) -> Images:
        return open_images(source, selection=selections, web=WebSettings(whole_study=whole_study))

    return source if isinstance(source, Images) else open_linked(links, opening)


@dataclass(slots=True)
class _Work:
    """A document under way; what is stated of one region is looked at together."""

    links: Links
    measurer: Measurer
    groups: dict[object, Group] = field(default_factory=dict)

    def findings(self) -> Iterator[tuple[int, AuditedNumber]]:
        """Yield what is said of every number, and its place."""
        order = 0
        for one in self.links.links:
            claims = []
            for number in one.numbers:
                claim, order = Claim(order, one, number), order + 1
                finding = _refusal(claim)
                if finding is None:
                    claims.append(claim)
                else:
                    yield claim.order, finding
            if claims:
                yield from self._assign(one, claims)
        regions = _distinct(self.links.links)
        judged = [judge(group, self.measurer) for group in self.groups.values()]
        wrong = [len(one.wrong) for one in judged if one.wrong]
        family = Family(sum(wrong), len(wrong))
        for one_group in judged:
            yield from audited_group(one_group, self.measurer, regions, family)

    def _assign(self, one: Link, claims: list[Claim]) -> Iterator[tuple[int, AuditedNumber]]:
        """Put the numbers of an Observation with others of the same region and method."""
        best: tuple[int, LinkedRegion, Measured] | None = None
        reason = ""
        for region in one.regions[:_MOST_REGIONS]:
            found = self._candidates(one, region, claims)
            if isinstance(found, str):
                reason = reason or found
                continue
            for measured in found:
                numbers = self.measurer.numbers(measured)[0]
                count = sum(claim.matching(numbers) is not None for claim in claims)
                if best is None or count > best[0]:
                    best = count, region, measured
        if best is None:
            for claim in claims:
                yield claim.order, refused(claim, "not-measured", reason)
            return
        count, region, measured = best
        if len(one.regions) > 1 and not self._is_told(one, claims, measured):
            found_it = "one has this number, perhaps by chance" if count else "none has this number"
            message = f"any of {len(one.regions)} regions may be meant, and {found_it}"
            for claim in claims:
                yield claim.order, refused(claim, "several-regions", message)
            return
        key = (id(region.selection), region.path, measured.key)
        self.groups.setdefault(key, Group(region, measured, [])).claims.extend(claims)

    def _is_told(self, one: Link, claims: Sequence[Claim], measured: Measured) -> bool:
        """Whether numbers that match one of several regions have the digits to tell it by.

        Where the values of n regions spread over a tenth of a number x that is stated to +-h, one
        of them is x by chance some n * 20 h / x times.
        """
        numbers = self.measurer.numbers(measured)[0]
        matching = [claim.number for claim in claims if claim.matching(numbers) is not None]
        ease = [20 * number.half_unit / max(abs(number.value or 0), 1e-300) for number in matching]
        return len(one.regions) * math.prod(min(1.0, one) for one in ease) < MOST_CHANCE_HITS

    def _candidates(
        self, one: Link, region: LinkedRegion, claims: Sequence[Claim]
    ) -> Sequence[Measured] | str:
        """Return the region on the images it may have been measured on, or why there are none."""
        settings = stated_settings(one)
        found = self.measurer.find(
            region, settings, one.instances, one.frame, closed=is_closed(one)
        )
        if isinstance(found, str):
            return found
        units = [claim.unit for claim in claims if is_of_pixels(claim.number.names)]
        return [measured.reading(stated_value(one), units) for measured in found]


def _refusal(claim: Claim) -> AuditedNumber | None:
    """Say why a number cannot be audited whatever the images hold, None where it can."""
    one, number = claim.link, claim.number
    reason: Reason = ""
    message = ""
    if number.unreadable:
        reason, message = "unreadable", number.unreadable
    elif not number.text:
        reason, message = "absent", f"no value is stated: {number.absent}"
    elif one.status in ("entered-in-error", "cancelled"):
        reason, message = "withdrawn", f"the Observation is {one.status}"
    elif one.withdrawn:
        reason, message = "withdrawn", f"{', '.join(one.withdrawn)}: entered-in-error"
    elif not number.names:
        reason, message = "unknown-code", f"we measure nothing called {number.title}"
    elif not one.regions:
        told = [issue.message for issue in sorted(one.issues, key=lambda i: i.severity != "error")]
        reason, message = "no-region", told[0] if told else "it refers to no region"
    elif number.comparator not in ("", "<", "<=", ">", ">="):
        reason, message = "not-measured", f"the comparator {number.comparator} has no number"
    return refused(claim, reason, message) if reason else None


def _distinct(links: Sequence[Link]) -> tuple[LinkedRegion, ...]:
    """Return the regions that numbers may have been mixed up among, each once."""
    found: dict[tuple[int, str], LinkedRegion] = {}
    for one in links:
        for linked in one.regions:
            selection = linked.selection
            for region in selection.regions:
                found.setdefault((id(selection), region.path), LinkedRegion(selection, region))
            if len(found) > 4 * _MOST_REGIONS:
                return tuple(found.values())
    return tuple(found.values())
