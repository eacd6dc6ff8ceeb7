"""A manifest is refused at the exact place where it breaks its shape, and expanded as the scope catalogue says."""

import json
from typing import Any

import pytest

from authz.manifests import parse
from schema.errors import FieldgateError
from tests.manifests import manifest, product, scope, small


def refusal_of(content: bytes) -> FieldgateError:
    with pytest.raises(FieldgateError) as refusal:
        parse(content)
    return refusal.value


def scopes_of(**changes: Any) -> dict[str, tuple[str, bool]]:
    """The expanded scopes of the small manifest's product, with changes."""
    [expanded] = manifest(products=[product(**changes)]).products
    return {asked.scope: (asked.need, asked.implied) for asked in expanded.scopes}


def test_a_scope_whose_object_was_not_asked_for_adds_the_object_and_marks_it_implied() -> None:
    assert scopes_of(scopes=[scope("students.surname.read")]) == {
        "students.read": ("required", True),
        "students.surname.read": ("required", False),
    }


def test_an_object_that_was_asked_for_is_not_implied() -> None:
    assert scopes_of(scopes=[scope("students.surname.read"), scope("students.read")])["students.read"] == (
        "required",
        False,
    )


def test_an_object_is_needed_as_much_as_the_most_needed_scope_inside_it() -> None:
    asked = scopes_of(scopes=[scope("students.read", "optional"), scope("students.surname.read")])
    assert asked["students.read"] == ("required", False)
    asked = scopes_of(scopes=[scope("students.surname.read", "optional")])
    assert asked["students.read"] == ("optional", True)


def test_a_nested_scope_implies_every_object_around_it() -> None:
    assert set(scopes_of(scopes=[scope("contacts.email.read")])) == {
        "contacts.read",
        "contacts.contact_details.read",
        "contacts.email.read",
    }


def test_a_fact_of_a_link_asks_for_both_ends_of_the_link() -> None:
    assert scopes_of(scopes=[scope("contacts.priority.read")]) == {
        "contacts.priority.read": ("required", False),
        "contacts.read": ("required", True),
        "students.read": ("required", True),
    }


def test_a_bundle_is_expanded_and_an_entry_of_its_own_gives_the_reason() -> None:
    bundle = {"bundle": "groups_classes_subjects", "need": "optional", "reason": "The bundle."}
    [expanded] = manifest(products=[product(scopes=[scope("groups.read")], bundles=[bundle])]).products
    assert {asked.scope: (asked.need, asked.reason) for asked in expanded.scopes} == {
        "groups.read": ("required", "The product shows it."),
        "classes.read": ("optional", "The bundle."),
        "subjects.read": ("optional", "The bundle."),
        "subjects.name.read": ("optional", "The bundle."),
        "subjects.code.read": ("optional", "The bundle."),
    }


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"slug": "Lessons"}, "slug"),
        ({"slug": None}, "slug"),
        ({"name": ""}, "name"),
        ({"name": "red \x1b[31m text"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"version": 2**31}, "version"),
        ({"purpose": 7}, "purpose"),
        ({"supportContact": {"email": "nobody"}}, "supportContact.email"),
        ({"supportContact": {"telephone": "1"}}, "supportContact.email"),
        ({"supportContact": []}, "supportContact"),
        ({"privacyPolicy": "http://lessons.example.org"}, "privacyPolicy"),
        ({"dataProtectionPolicy": "https://user:secret@example.org/"}, "dataProtectionPolicy"),
        ({"certifications": ["ISO 27001", None]}, "certifications[1]"),
        ({"dataTerms": {"title": "Terms", "url": "javascript:alert(1)"}}, "dataTerms.url"),
        ({"colour": "blue"}, ""),
        ({"products": []}, "products"),
        ({"products": {}}, "products"),
        ({"products": [product(), product()]}, "products[1].product"),
        ({"products": [product(scopes=[])]}, "products[0]"),
        ({"products": [product(title=None)]}, "products[0].title"),
        ({"products": [product(rowConditions=["nice_people"])]}, "products[0].rowConditions[0]"),
        ({"products": [product(scopes=[scope("students.read", "maybe")])]}, "products[0].scopes[0].need"),
        ({"products": [product(scopes=[scope("students.read")] * 2)]}, "products[0].scopes[1].scope"),
        ({"products": [product(scopes=["students.read"])]}, "products[0].scopes[0]"),
        ({"products": [product(scopes=[{"scope": "students.read"}])]}, "products[0].scopes[0].need"),
        ({"products": [product(bundles=[{"bundle": "all", "need": "required", "reason": "x"}])]},
         "products[0].bundles[0].bundle"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_a_refusal_names_the_exact_place(changes: dict[str, Any], place: str) -> None:
    error = refusal_of(json.dumps(small(**changes)).encode())
    assert (error.code, error.details["place"]) == ("MANIFEST_INVALID", place)
    assert error.message.startswith(place or "the document")
    assert error.message.isprintable()


def test_an_unknown_scope_has_a_code_of_its_own() -> None:
    products = [product(), product("other", scopes=[scope("students.read"), scope("students.shoe_size.read")])]
    error = refusal_of(json.dumps(small(products=products)).encode())
    assert (error.code, error.details["place"]) == ("SCOPE_UNKNOWN", "products[1].scopes[1].scope")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON at line 1, column 1"),
        (b'{"slug": ', "is not JSON"),
        (b"[]", "must be an object"),
        (b'"text"', "must be an object"),
        (b"\xff\xfe", "must be UTF-8"),
        (b'{"slug": "a", "slug": "b"}', "member twice"),
        (b'{"version": NaN}', "NaN is no JSON value"),
        (b'{"version": ' + b"9" * 5000 + b"}", "a number that is too long"),
        (b"[" * 100_000, "is nested too deeply"),
        (b" " * 1_000_001, "at most 1000000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_not_one_clear_json_object_is_refused(content: bytes, words: str) -> None:
    error = refusal_of(content)
    assert error.code == "MANIFEST_INVALID"
    assert words in error.message
