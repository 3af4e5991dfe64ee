"""Overlays: a picture of one frame with regions drawn exactly where their geometry says.

Pixel coordinates become canvas coordinates by one map, ``(left + sx * column, top + sy * row)``,
counted from outer corners on both sides; `canvas_map` tells it. The translucent fill shows which
pixels count and by how much; the line shows the geometry itself.

    grey     stored values to shades of grey            layout   where everything goes
    stroke   geometry to antialiased lines              text     labels as alpha masks
    labels   places that hide no region                 margin   letters, scale bar, title
    draw     all of it together                         sheet    tiles and PNG
"""

from imageregion.overlay.draw import PALETTE, OverlayItem, draw_overlay
from imageregion.overlay.grey import display_values
from imageregion.overlay.layout import CanvasMap, canvas_map, orientation_letters
from imageregion.overlay.margin import Color
from imageregion.overlay.sheet import contact_sheet, to_png, write_png

__all__ = [
    "PALETTE",
    "CanvasMap",
    "Color",
    "OverlayItem",
    "canvas_map",
    "contact_sheet",
    "display_values",
    "draw_overlay",
    "orientation_letters",
    "to_png",
    "write_png",
]
