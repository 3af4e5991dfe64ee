"""Series and instances of several ImagingSelections, put together by study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Group", "Grouped", "oid"]


def oid(uid: str) -> str:
    """Return a UID as FHIR STU3 writes it."""
    return f"urn:oid:{uid}"


@dataclass(slots=True)
class Group:
    """One study under way.

    Parameters
    ----------
    imaging_study : dict, optional
        Reference to the ImagingStudy.
    endpoints : dict of str to list
        References by Series Instance UID.
    instances : dict of str to dict
        Instances by UID, by Series Instance UID.
    """

    imaging_study: dict[str, Any] | None = None
    endpoints: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    instances: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def add(
        self,
        series: str,
        endpoints: list[dict[str, Any]],
        instances: Mapping[str, dict[str, Any]],
    ) -> None:
        """Add the instances of a series; what is there already is not added again."""
        listed = self.endpoints.setdefault(series, [])
        listed += [one for one in endpoints if one not in listed]
        known = self.instances.setdefault(series, {})
        for uid, instance in instances.items():
            if "sopClass" in instance or uid not in known:
                known.setdefault(uid, instance)
                if "sopClass" not in known[uid]:
                    known[uid] = instance

    def to_study(self, uid: str) -> dict[str, Any]:
        """Return ``ImagingManifest.study``; endpoints that all series share move up to it."""
        listed = list(self.endpoints.values())
        shared = listed[0] if listed and all(one == listed[0] for one in listed) else []
        series = [
            {
                "uid": oid(name),
                **({"endpoint": self.endpoints[name]} if self.endpoints[name] != shared else {}),
                "instance": list(instances.values()),
            }
            for name, instances in self.instances.items()
        ]
        return {
            "uid": oid(uid),
            **({"imagingStudy": self.imaging_study} if self.imaging_study else {}),
            **({"endpoint": shared} if shared else {}),
            "series": series,
        }


@dataclass(slots=True)
class Grouped:
    """Studies by UID, in order of their first appearance."""

    studies: dict[str, Group] = field(default_factory=dict)

    def study(self, uid: str) -> Group:
        """Return the study of a UID, a new one where there is none yet."""
        return self.studies.setdefault(uid, Group())

    def to_list(self) -> list[dict[str, Any]]:
        """Return ``ImagingManifest.study``."""
        return [group.to_study(uid) for uid, group in self.studies.items()]
