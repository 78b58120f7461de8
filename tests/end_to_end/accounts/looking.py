"""How pages are looked at: in light and dark, on phone and desktop, by axe-core, and by people who want pictures."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

#: CSS pixels: a small phone's, WCAG 2.2 SC 1.4.10's zoomed window is narrower still, and a desktop's.
WIDTHS = {"narrow": 360, "wide": 1280}
REFLOW = 320

#: What axe looks at: WCAG 2.2 AA and all before it, and what its makers advise besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: Where pictures go, if somebody wants them: see docs/screenshots.py.
PICTURES = os.environ.get("ONEGOV_AUTH_SCREENSHOTS")


def faults(page: Page, axe: str) -> list[str]:
    """What axe finds on the page as it is."""
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES)
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found["violations"]]


def look(page: Page, name: str, axe: str) -> list[str]:
    """Look at one page in all ways; take pictures if somebody wants them."""
    complaints = []
    for scheme in ("light", "dark"):
        for width, pixels in WIDTHS.items():
            # A colour on its way to another one is neither.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": pixels, "height": 800})
            complaints += [f"{name} {scheme} {width}: {fault}" for fault in faults(page, axe)]
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": REFLOW, "height": 800})
    if page.evaluate("document.documentElement.scrollWidth") > REFLOW:
        complaints.append(f"{name}: wider than {REFLOW} pixels")
    return complaints
