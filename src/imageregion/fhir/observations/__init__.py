"""Results as FHIR: a Bundle with the ImagingSelection and Observations that point back at regions.

Three forms (`FORMS`): ``r5``, one Observation per region with its numbers as components, as IHE IRA
and the European imaging guides have them; ``dicom-sr``, a measurement group per region and an
Observation per number, by the HL7 guide "DICOM SR to FHIR Resource Mapping" 1.0.0; ``r4b``, the
first one in FHIR R4B. Names used below `imageregion.codes.NAMESPACE` (they are names, not web
pages):

``StructureDefinition/region-path`` (extension on ``Observation.derivedFrom``, valueString, repeats)
    FHIRPath of the region element within the ImagingSelection that ``derivedFrom`` points at.
``StructureDefinition/measured-instance`` (extension on ``Observation``, valueIdentifier, repeats)
    SOP Instance UID of an image whose pixels were measured, system ``urn:dicom:uid``.
``StructureDefinition/measured-frame`` (extension on ``Observation``, valuePositiveInt)
    Number of the frame, where only one was measured.
``StructureDefinition/rule-interval`` (extension on what has the number, valueRange)
    Interval of the value over the rules and over shifts of the region by half a pixel.
``StructureDefinition/derivation`` (extension on ``Observation``; form dicom-sr)
    ``quantity`` and ``derivation`` (valueCoding): the concept name and the 121401 Derivation of
    DICOM PS3.16 TID 1419; ``channel`` (valueString) of a colour image.
``StructureDefinition/source-region`` (extension on ``ImagingSelection``; form dicom-sr)
    Where the region stood in the document that was read: ``path`` (valueString), ``identifier``
    (valueIdentifier) and ``code`` (valueCodeableConcept) of the selection it is from.
``CodeSystem/measurement``
    What no standard has a code for: ``region`` (all measurements of one region), ``count``,
    ``excluded``, ``p10``, ``p25``, ``p75``, ``p90``, ``counted-area``, ``counted-volume``,
    ``outside-fraction``, ``outside-range``, features of first order, means by estimator, and
    derivations of a quantity such as ``mean-of-x-ray-attenuation`` (`codes.measured_code`).
``CodeSystem/method``
    Which pixels count, in ``Observation.method``: ``center``, ``touched`` or ``exact``. The coding
    version is the version of this library, the text says everything that went into the number.

All ids are UUIDs made from the contents, so the same input gives the same Bundle; of the form
dicom-sr only when `issued` is given, since its profiles require an instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from imageregion.errors import InputError, Issue
from imageregion.fhir.observations.context import FORMS, Context, Form, read_context
from imageregion.fhir.observations.groups import group_entries
from imageregion.fhir.observations.parts import outcome
from imageregion.fhir.observations.r4b import r4b_bundle
from imageregion.fhir.observations.single import single_entries
from imageregion.fhir.observations.source import read_source
from imageregion.fhir.selection import Selection
from imageregion.fhir.targets import reference_type
from imageregion.fhir.text.plain import brief
from imageregion.measurement import RegionResult

__all__ = ["FORMS", "Form", "observations"]


def observations(
    selection: Selection,
    results: Sequence[RegionResult],
    form: Form = "r5",
    *,
    subject: str | Mapping[str, Any] | None = None,
    issued: str | datetime | None = None,
    issues: Sequence[Issue] = (),
) -> dict[str, Any]:
    """Write measurements as a FHIR Bundle of type collection.

    Parameters
    ----------
    selection : Selection
        What was measured. Its resource is carried along as valid R5, whatever it was read from, as
        far as it can be valid (see `fhir.writing`).
    results : sequence of RegionResult
        Of a region with the flag "not-measured" what is known is written, and why not more.
    form : {"r5", "dicom-sr", "r4b"}
        See `FORMS`.
    subject : str or mapping, optional
        Reference to the patient, where the selection names none: "Patient/12", "system|value" of an
        identifier, or the JSON of a Reference. Nobody is invented: without one the form dicom-sr
        claims no profile that requires a patient.
    issued : str or datetime, optional
        When the Observations are made available, with time zone. The form dicom-sr, which must say
        so, takes the present where it is not given; the others leave it out.
    issues : sequence of Issue, optional
        What was found while measuring; the errors go into the Bundle.

    Returns
    -------
    dict
        JSON of the Bundle: in the forms r5 and r4b the ImagingSelection, then one Observation per
        result, in order. It is always valid; ``issues`` (in R4B a last entry) holds an
        OperationOutcome that names whatever had to be replaced, removed or left out, and every
        error among `issues`.

    Raises
    ------
    InputError
        On an unknown form, a subject that is no reference or another one than the selection's, an
        instant that is none, and on text that is no Unicode.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> from imageregion.measurement import Measurement, Method
    >>> selection = read_selection({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "circle", "coordinate": [8, 8, 11, 8]}]}]})
    >>> region = selection.regions[0]
    >>> method = Method("center", "evenodd", "center", "HU", "0.1.0")
    >>> mean = Measurement(region.path, "mean", 12.5, "[hnsf'U]", method)
    >>> result = RegionResult(region, (), (mean,), unit="[hnsf'U]", modality="CT")
    >>> observation = observations(selection, [result])["entry"][1]["resource"]
    >>> observation["code"]["text"], observation["component"][0]["valueQuantity"]["value"]
    ('X-Ray Attenuation of image region', 12.5)
    """
    if form not in FORMS:
        raise InputError(f"form: expected one of {', '.join(FORMS)}, got {brief(form)}")
    context = read_context(subject, issued, always=form == "dicom-sr")
    source = read_source(selection)
    _check_subject(source.resource, context)
    errors = [issue for issue in issues if issue.severity == "error"]
    told = [*source.issues, *errors]
    if form == "dicom-sr":
        entries, found = group_entries(selection, source, results, context, errors)
        told += found
    else:
        entries = single_entries(selection, source, results, context, errors)
    if form == "r4b":
        return r4b_bundle(entries, told)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return {**bundle, "issues": outcome(told)} if told else bundle


def _check_subject(resource: Mapping[str, Any], context: Context) -> None:
    """Refuse to say that the measurements of one patient are those of another."""
    own, given = resource.get("subject"), context.subject
    if not isinstance(own, Mapping) or given is None or reference_type(own) == "Specimen":
        return
    for name in ("reference", "identifier"):
        if own.get(name) and given.get(name) and own[name] != given[name]:
            raise InputError(
                f"subject: the selection is about {brief(own[name])}, got {brief(given[name])}"
            )
