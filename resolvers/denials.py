"""The denial entries of an answer, exactly as `design/denials.md` words them: one per selection and set of schools.

Schools that lack the same scopes share one entry. An entry is made once per consent version and kept as bytes.
"""

from collections.abc import Sequence

from authz.grants import Standing, strongest
from authz.plan import Denial

NAMED_SCHOOLS = 3


def denial_entries(per_school: Sequence[tuple[Standing, Sequence[Denial]]], base_url: str) -> list[dict[str, object]]:
    """The entries of one root, in document order, then by the schools' ids."""
    grouped: dict[tuple[int, str, tuple[str, ...], tuple[str, ...]], tuple[Denial, list[Standing]]] = {}
    for standing, denials in per_school:
        for denial in denials:
            key = (denial.selected.index, denial.coordinate, denial.query_path, denial.missing)
            grouped.setdefault(key, (denial, []))[1].append(standing)
    in_order = sorted(grouped.values(), key=lambda each: (each[0].place, each[0].selected.index))
    return [_entry(denial, schools, base_url) for denial, schools in in_order]


def _entry(denial: Denial, schools: Sequence[Standing], base_url: str) -> dict[str, object]:
    first = schools[0]
    scopes = " and ".join(f"`{scope}`" for scope in denial.missing)
    word = "scope" if len(denial.missing) == 1 else "scopes"
    entry: dict[str, object] = {
        "message": f"{denial.coordinate} needs {word} {scopes}, which {_who(schools)} not granted to {first.app_name}.",
        "locations": denial.selected.locations(),
    }
    if denial.exact:
        entry["path"] = list(denial.query_path)
    extensions: dict[str, object] = {
        "code": "SCOPE_NOT_GRANTED",
        "coordinate": denial.coordinate,
        "usage": denial.usage,
        "queryPath": list(denial.query_path),
    }
    if len(schools) == 1:
        extensions["schoolId"] = first.school_id
    else:
        extensions["schools"] = [
            {"id": school.school_id, "consentUrl": consent_url(base_url, school.consent_id)} for school in schools
        ]
    extensions["requiredScopes"] = [list(scopes) for scopes in denial.rule]
    extensions["missingScopes"] = list(denial.missing)
    extensions["requested"] = strongest(school.requested(denial.missing) for school in schools)
    if len(schools) == 1:
        extensions["consentUrl"] = consent_url(base_url, first.consent_id)
    entry["extensions"] = extensions
    return entry


def consent_url(base_url: str, consent_id: str) -> str:
    """Where the school decides. Built from the configured base URL, never from a request; it holds no secret."""
    return f"{base_url}/consents/{consent_id}"


def _who(schools: Sequence[Standing]) -> str:
    if len(schools) == 1:
        return f"{schools[0].school_name} has"
    if len(schools) > NAMED_SCHOOLS:
        return f"{len(schools)} schools have"
    names = [school.school_name for school in schools]
    return f"{', '.join(names[:-1])} and {names[-1]} have"
