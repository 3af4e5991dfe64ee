"""Queries: what to ask which server, from URLs, FHIR endpoints and studies, and selections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from imageregion.access.sources import Given
from imageregion.access.wanted import Wanted, wanted_of
from imageregion.dicom.web.addresses import Address, read_address, shown
from imageregion.dicom.web.fetching import Query
from imageregion.dicom.web.services import WadoRs, WadoUri
from imageregion.dicom.web.session import WebSession
from imageregion.dicom.web.settings import header_line
from imageregion.errors import InputError, Issue
from imageregion.fhir.selection import Selection
from imageregion.fhir.studies import WADO_RS, WADO_URI, Endpoint, Study, effective_endpoints
from imageregion.fhir.studies.effective import endpoints_of_selection

__all__ = ["Plan", "plan_queries"]

_IN_USE = ("active", "test", "")
_NAMED = 3


@dataclass(slots=True)
class Plan:
    """What to ask, and what was found on the way.

    Parameters
    ----------
    session : WebSession
    queries : list of tuple of Query
        Each with those that take its place when it fails.
    issues : list of Issue
    services : dict
        One for each base address and kind.
    failures : list of InputError
        Why series cannot be asked for; each is an issue as well.
    """

    session: WebSession
    queries: list[tuple[Query, ...]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    services: dict[tuple[str, str], WadoRs | WadoUri] = field(default_factory=dict)
    failures: list[InputError] = field(default_factory=list)

    def service(self, address: Address, kind: str) -> WadoRs | WadoUri:
        """Return the service at an address."""
        key = (address.base, kind)
        if key not in self.services:
            make = WadoRs if kind == WADO_RS else WadoUri
            self.services[key] = make(self.session, address)
        return self.services[key]


def plan_queries(given: Given, selections: Sequence[Selection], session: WebSession) -> Plan:
    """Decide what to ask.

    Parameters
    ----------
    given : Given
    selections : sequence of Selection
        They narrow what is asked for.
    session : WebSession

    Raises
    ------
    InputError
        When it is not known what to ask for, or where, or a study is not to be loaded.
    """
    plan, wanted = Plan(session), wanted_of(selections)
    for url in given.urls:
        address = read_address(url, named=True)
        session.name(address)
        _of_service(plan, address, WADO_RS, wanted)
    own = _own_endpoints(plan, given, selections) if given.studies else []
    for study in given.studies:
        _of_study(plan, study, [*own, *given.endpoints], wanted)
    if not given.studies:
        for endpoint in given.endpoints:
            places = _places(plan, (endpoint,))
            if not places:
                raise InputError(f"{endpoint!r}: {_unusable((endpoint,))}")
            _of_service(plan, *places[0], wanted)
    _check_plan(plan, given, wanted)
    return plan


def _own_endpoints(plan: Plan, given: Given, selections: Sequence[Selection]) -> list[Endpoint]:
    """Return the endpoints of the selections, contained or among what was given."""
    found: list[Endpoint] = []
    for selection in selections:
        endpoints, issues = endpoints_of_selection(selection.resource, given.shelf)
        found += endpoints
        plan.issues += [issue for issue in issues if issue not in plan.issues]
    return found


def _check_plan(plan: Plan, given: Given, wanted: Sequence[Wanted]) -> None:
    """Refuse when there is nothing to ask for, and say why."""
    if plan.queries:
        return
    if plan.failures:
        raise plan.failures[0]
    if given.studies and wanted:
        listed = ", ".join(study.uid for study in given.studies[:_NAMED])
        asked = ", ".join(sorted({one.study for one in wanted})[:_NAMED])
        raise InputError(
            f"the selection is of study {asked}, which is not the ImagingStudy given: {listed}"
        )


# --- a URL or an endpoint ------------------------------------------------------------------------


def _of_service(plan: Plan, address: Address, kind: str, wanted: Sequence[Wanted]) -> None:
    """Ask a service for what its URL names, or else for what the selections name."""
    service = plan.service(address, kind)
    if address.series or (address.study and not wanted):
        uids = (address.study, address.series, address.instance)
        plan.queries.append((Query(service, *uids),))
        return
    if not wanted:
        raise InputError(
            f"{shown(address.base)}: which study? Add /studies/UID to the URL, or give a selection "
            "that names its study"
        )
    found: dict[Query, None] = {}
    for one in wanted:
        study, series = _located(service, address.study or one.study, one)
        whole = plan.session.settings.whole_study
        known = ((series, one.instance),) if series and one.instance else ()
        series = "" if whole else series
        found[Query(service, study, series, known=() if kind == WADO_RS else known)] = None
    plan.queries += [(query,) for query in _merged(list(found))]


def _located(service: WadoRs | WadoUri, study: str, one: Wanted) -> tuple[str, str]:
    """Return study and series of what is wanted, asked for where they are not named."""
    if study and (one.series or not one.instance):
        return study, one.series
    if one.instance and isinstance(service, WadoRs):
        found = service.find_instance(study, one.instance)
        if found[1]:
            return found
    if not study:
        raise InputError(
            f"{shown(service.address.base)}: in which study is "
            f"{one.instance or one.series or 'the region'}? The selection does not say, and the "
            "server does not tell; add /studies/UID to the URL"
        )
    return study, ""


def _merged(queries: list[Query]) -> list[Query]:
    """Leave out series of studies that are asked for as a whole; join what is known of others."""
    whole = {query.study for query in queries if not query.series}
    merged: dict[tuple[str, str], Query] = {}
    for query in queries:
        if query.series and query.study in whole:
            continue
        key = (query.study, query.series)
        before = merged[key].known if key in merged else ()
        known = tuple(dict.fromkeys((*before, *query.known)))
        merged[key] = Query(query.service, *key, known=known)
    return list(merged.values())


# --- a study -------------------------------------------------------------------------------------


def _of_study(
    plan: Plan, study: Study, endpoints: Sequence[Endpoint], wanted: Sequence[Wanted]
) -> None:
    """Ask the effective endpoints of each series for it."""
    settings = plan.session.settings
    plan.issues += study.issues
    if not study.is_loadable and not settings.insist:
        raise InputError(
            f"ImagingStudy {study.uid or study.id}: not loaded, {study.reason_not_loadable}; "
            "load it all the same with --insist (WebSettings.insist)"
        )
    if not study.uid:
        raise InputError(f"ImagingStudy {study.id}: expected a Study Instance UID")
    mine = [one for one in wanted if one.study in ("", study.uid)]
    if wanted and not mine:
        return
    asked = {_series_of(study, one) for one in mine}
    if settings.whole_study or not asked or "" in asked:
        asked = {series.uid for series in study.series} or {""}
    for series in sorted(asked):
        effective = effective_endpoints(study, series, endpoints)
        try:
            places = _places(plan, effective)
            if not places:
                raise InputError(_unusable(effective))
        except InputError as error:  # costs this series alone
            where = f"ImagingStudy {study.uid}{f', series {series}' if series else ''}"
            plan.failures.append(InputError(f"{where}: {error}"))
            issue = Issue("error", "not-fetched", series or study.uid, f"{where}: {error}")
            plan.issues.append(issue)
            continue
        known = _instances(study, series, mine)
        plan.queries.append(
            tuple(
                Query(plan.service(address, kind), study.uid, series, known=known)
                for address, kind in places
            )
        )


def _series_of(study: Study, one: Wanted) -> str:
    """Return the series of what is wanted; empty where nobody says."""
    if one.series or not one.instance:
        return one.series
    for series in study.series:
        if any(instance.uid == one.instance for instance in series.instances):
            return series.uid
    return ""


def _instances(study: Study, series: str, wanted: Sequence[Wanted]) -> tuple[tuple[str, str], ...]:
    """Return the instances to fetch from a service that cannot tell what there is."""
    here = [one for one in wanted if series in ("", _series_of(study, one))]
    listed = tuple(
        (one.uid, instance.uid)
        for one in study.series
        for instance in one.instances
        if series in ("", one.uid)
    )
    named = {one.instance for one in here}
    if here and all(one.flat for one in here):
        return tuple(pair for pair in listed if pair[1] in named) or tuple(
            (series, one.instance) for one in here if series
        )
    return listed


# --- endpoints -----------------------------------------------------------------------------------


def _places(plan: Plan, endpoints: Sequence[Endpoint]) -> list[tuple[Address, str]]:
    """Return the services that can be asked, the most specific first."""
    found: dict[tuple[str, str], tuple[Address, str]] = {}
    for endpoint in endpoints:
        if endpoint.status not in _IN_USE and not plan.session.settings.insist:
            continue
        for kind in (WADO_RS, WADO_URI):
            if endpoint.serves(kind):
                address = read_address(endpoint.address, is_base=kind == WADO_RS)
                if address.user is not None:
                    message = "a document cannot give a user and password"
                    raise InputError(f"{shown(endpoint.address)}: {message}")
                plan.session.credentials.add_headers(address, _header_lines(plan, endpoint))
                found.setdefault((address.base, kind), (address, kind))
    return list(found.values())


def _header_lines(plan: Plan, endpoint: Endpoint) -> tuple[str, ...]:
    """Return what an endpoint wants in the head of requests, without what cannot stand there."""
    lines = []
    for line in endpoint.headers:
        try:
            header_line(line)
        except InputError as error:
            issue = Issue("warning", "header", shown(endpoint.address), f"left out: {error}")
            if issue not in plan.issues:
                plan.issues.append(issue)
            continue
        lines.append(line)
    return tuple(lines)


def _unusable(endpoints: Sequence[Endpoint]) -> str:
    """Say why none of some endpoints can be asked."""
    if not endpoints:
        return "no endpoint says where its images are; give the URL of the server instead"
    told = "; ".join(f"{one.address} is {_kind(one)}" for one in endpoints)
    return f"no endpoint can be asked for images ({told}); expected {WADO_RS} or {WADO_URI}"


def _kind(endpoint: Endpoint) -> str:
    if endpoint.status not in _IN_USE:
        return endpoint.status
    return ", ".join(endpoint.connection_types) or "of no known type"
