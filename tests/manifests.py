"""Manifests for tests: a small valid one to change, and the three that ship."""

import json
from pathlib import Path
from typing import Any

from authz.manifests import Manifest, parse

SHIPPED = Path(__file__).parents[1] / "server" / "manifests"


def shipped(slug: str) -> Manifest:
    """One of the manifests that ship."""
    return parse((SHIPPED / f"{slug}.json").read_bytes())


def small(**changes: Any) -> dict[str, Any]:
    """A valid manifest with one product, with members changed; `None` leaves a member out."""
    document = {
        "slug": "lessons",
        "name": "Lessons",
        "vendor": "A Vendor",
        "version": 1,
        "purpose": "Plans lessons.",
        "supportContact": {"email": "help@lessons.example.org"},
        "privacyPolicy": "https://lessons.example.org/privacy",
        "dataProtectionPolicy": "https://lessons.example.org/data-protection",
        "certifications": [],
        "products": [product()],
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def product(name: str = "core", **changes: Any) -> dict[str, Any]:
    """A product that requires a pupil's name and would like the date of birth."""
    return {
        "product": name,
        "title": name.title(),
        "rowConditions": [],
        "scopes": [scope("students.surname.read"), scope("students.date_of_birth.read", need="optional")],
        **changes,
    }


def scope(name: str, need: str = "required") -> dict[str, str]:
    """One scope of a product."""
    return {"scope": name, "need": need, "reason": "The product shows it."}


def manifest(**changes: Any) -> Manifest:
    """The small manifest, parsed."""
    return parse(json.dumps(small(**changes)).encode())
