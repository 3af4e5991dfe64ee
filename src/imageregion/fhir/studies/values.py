"""Study, series, instances and endpoints: what an ImagingStudy says exists, and where."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from imageregion.errors import Issue

__all__ = [
    "IHE_IID",
    "NOT_LOADED",
    "RELEASES",
    "WADO_RS",
    "WADO_URI",
    "Endpoint",
    "InstanceEntry",
    "Release",
    "SeriesEntry",
    "Study",
]

Release: TypeAlias = Literal["stu3", "r4", "r5", "r6"]

RELEASES: dict[Release, str] = {
    "stu3": "FHIR 3.0 (STU3)",
    "r4": "FHIR 4.0 or 4.3 (R4, R4B)",
    "r5": "FHIR 5.0 (R5)",
    "r6": "FHIR 6.0 ballots (R6)",
}
"""The forms of ImagingStudy, by the name that ``release=`` takes. R4 and R4B are alike."""

WADO_RS = "dicom-wado-rs"
"""Connection type of DICOMweb retrieval, DICOM PS3.18 section 10.4."""
WADO_URI = "dicom-wado-uri"
"""Connection type of the URI service, DICOM PS3.18 chapter 9."""
IHE_IID = "ihe-iid"
"""Connection type of IHE Invoke Image Display, IHE RAD TF-2 4.106."""

NOT_LOADED: dict[str, str] = {
    "registered": "its images are not yet available",
    "cancelled": "its images are not available, and will not be",
    "entered-in-error": "it was withdrawn after it had been released by mistake",
    "inactive": "it is no longer in use",
    "unavailable": "its instances cannot be retrieved",
    "": "its status is none that FHIR has",
}
"""Statuses of studies that are not loaded unless somebody insists, and what each says."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how something can be fetched: one FHIR Endpoint.

    Parameters
    ----------
    address : str
        Absolute URL of the service, as tidied: without trailing slash and ``/studies/...``.
    connection_types : tuple of str
        Codes such as "dicom-wado-rs", "dicom-wado-uri", "ihe-iid"; STU3 and R4 have one.
    status : str
        "active" and others of FHIR's endpoint-status; empty where not stated.
    headers : tuple of str
        Further lines for the head of HTTP requests, as FHIR gives them. May hold secrets.
    name : str
        For people.
    issues : tuple of Issue
        What was changed while reading, and why it may not be in use.

    Examples
    --------
    >>> Endpoint("https://pacs.example.org/dicomweb", ("dicom-wado-rs",)).serves("dicom-wado-rs")
    True
    """

    address: str
    connection_types: tuple[str, ...] = ()
    status: str = "active"
    headers: tuple[str, ...] = ()
    name: str = ""
    issues: tuple[Issue, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether it is in use: neither its status nor its period says otherwise."""
        ended = any(issue.code == "endpoint-period" for issue in self.issues)
        return self.status in ("active", "") and not ended

    def serves(self, connection_type: str) -> bool:
        """Whether it speaks a connection type."""
        return connection_type in self.connection_types

    def __repr__(self) -> str:  # without headers, which hold secrets
        types = ", ".join(self.connection_types) or "no connection type"
        state = "" if self.status == "active" else f", {self.status or 'no status'}"
        return f"Endpoint({self.address!r}, {types}{state})"


@dataclass(frozen=True, slots=True)
class InstanceEntry:
    """One instance that a study lists.

    Parameters
    ----------
    uid, sop_class : str
        Without prefix; the class is empty where not stated.
    number : int, optional
        Instance Number (0020,0013).
    frames : int, optional
        Number of frames, which R6 can state.
    """

    uid: str
    sop_class: str = ""
    number: int | None = None
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """One series that a study lists.

    Parameters
    ----------
    uid : str
        Series Instance UID without prefix.
    modality : str
        DICOM modality, such as "CT"; empty where not stated.
    endpoints : tuple of Endpoint
        Its own, as listed; see `effective_endpoints` for those that hold.
    instances : tuple of InstanceEntry
        In the order of the document; may be fewer than there are.
    number : int, optional
        Series Number (0020,0011).
    description : str
    """

    uid: str
    modality: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    instances: tuple[InstanceEntry, ...] = ()
    number: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """What an ImagingStudy says exists, and where.

    Parameters
    ----------
    uid : str
        Study Instance UID without prefix; empty where not stated.
    status : str
        "available", "registered", "cancelled", "entered-in-error", "inactive" or "unknown"; of
        STU3, which has none, "available" or "unavailable" where its availability says so; empty
        where it is none that FHIR has.
    endpoints : tuple of Endpoint
        Of the study as a whole, those that can be used.
    series : tuple of SeriesEntry
    issues : tuple of Issue
        Leniencies, contradictions, and endpoints that cannot be used, with the reason.
    release : {"stu3", "r4", "r5", "r6"}
        Which form it was read as.
    id : str
        Logical id.
    evidence : str
        What the release was recognised by.

    Examples
    --------
    >>> Study("1.2", "cancelled").is_loadable, Study("1.2", "available")
    (False, Study('1.2', available, r5, 0 instances in 0 series))
    """

    uid: str
    status: str = "unknown"
    endpoints: tuple[Endpoint, ...] = ()
    series: tuple[SeriesEntry, ...] = ()
    issues: tuple[Issue, ...] = ()
    release: Release = "r5"
    id: str = ""
    evidence: str = ""

    @property
    def is_loadable(self) -> bool:
        """Whether its status lets the images be loaded: see `NOT_LOADED`."""
        return self.status not in NOT_LOADED

    @property
    def reason_not_loadable(self) -> str:
        """Why the images are not to be loaded, empty where they are."""
        if self.is_loadable:
            return ""
        return f"the study is {self.status or 'unclear'}: {NOT_LOADED[self.status]}"

    def find_series(self, uid: str) -> SeriesEntry | None:
        """Return the series with a UID, None where the study does not list it."""
        return next((series for series in self.series if series.uid == uid), None)

    def to_dict(self) -> dict[str, Any]:
        """Return what is known as plain values; headers of endpoints, which hold secrets, not."""
        from imageregion.fhir.studies.effective import effective_endpoints  # it reads values, too

        return {
            "uid": self.uid,
            "id": self.id,
            "status": self.status,
            "loadable": self.is_loadable,
            "release": self.release,
            "evidence": self.evidence,
            "endpoints": [_endpoint(one) for one in self.endpoints],
            "series": [
                {
                    "uid": series.uid,
                    "modality": series.modality,
                    "number": series.number,
                    "description": series.description,
                    "endpoints": [_endpoint(one) for one in effective_endpoints(self, series.uid)],
                    "instances": [asdict(instance) for instance in series.instances],
                }
                for series in self.series
            ],
            "issues": [asdict(issue) for issue in self.issues],
        }

    def __repr__(self) -> str:
        count = sum(len(series.instances) for series in self.series)
        levels = Counter(issue.severity for issue in self.issues)
        text = f"{count} instance{'s' * (count != 1)} in {len(self.series)} series"
        for level in ("error", "warning"):
            if levels[level]:
                text += f"; {levels[level]} {level}{'s' * (levels[level] != 1)}"
        return f"Study({self.uid!r}, {self.status}, {self.release}, {text})"


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "address": endpoint.address,
        "connection_types": list(endpoint.connection_types),
        "status": endpoint.status,
        "name": endpoint.name,
    }
