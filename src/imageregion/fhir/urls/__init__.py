"""URLs that others open: WADO-RS, WADO-URI and IHE Invoke Image Display, for regions and images."""

from __future__ import annotations

from imageregion.fhir.urls.building import region_urls
from imageregion.fhir.urls.iid import Graphic, graphic_of, iid_region_url, iid_url
from imageregion.fhir.urls.parameters import Box, Windowing, as_windowing
from imageregion.fhir.urls.values import KINDS, RegionUrls, Url
from imageregion.fhir.urls.view import box_around
from imageregion.fhir.urls.wado import wado_rs_url, wado_uri_url

__all__ = [
    "KINDS",
    "Box",
    "Graphic",
    "RegionUrls",
    "Url",
    "Windowing",
    "as_windowing",
    "box_around",
    "graphic_of",
    "iid_region_url",
    "iid_url",
    "region_urls",
    "wado_rs_url",
    "wado_uri_url",
]
