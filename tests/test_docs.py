"""What the documents say is so: commands and targets exist, links lead somewhere, every error code is explained.

A document is anything that ends in .md; an error's next step counts as one, since people follow it.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest

from authz.manifests import parse
from schema.errors import ERRORS
from schema.vocabulary import BUNDLES, ROW_CONDITIONS
from server.settings import Settings
from tests.test_house import ROOT, tracked_files

DOCUMENTS = sorted(name for name in tracked_files() if name.endswith(".md"))
FENCE = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
WORDS = r"((?: [a-z][a-z-]*)+)"


def code_in(text: str) -> Iterator[str]:
    """Every line of a code block, and every piece of inline code."""
    for block in FENCE.findall(text):
        yield from (line.removeprefix("$ ").removeprefix(".venv/bin/") for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def texts() -> dict[str, str]:
    documents = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
    return documents | {code: kind.next_step for code, kind in ERRORS.items()}


def named_commands(program: str) -> dict[str, str]:
    """Each run of words that follows a program in code, and where it is said first."""
    named: dict[str, str] = {}
    for where, text in texts().items():
        for code in code_in(text):
            if found := re.match(rf"{program}{WORDS}(?![\w/.=])", code):
                named.setdefault(found[1].strip(), where)
    return named


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {words.split()[0] for words in named_commands("make")}
    assert {"demo", "test"} <= named <= targets
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(phony.split()) == targets


def test_every_command_that_a_document_names_exists() -> None:
    commands = named_commands("fieldgate")

    def refusal(words: str) -> str | None:
        # Arguments may follow the command's own words: `--help` answers before they are looked at.
        asked = [sys.executable, "-c", "from server.cli import main; main()", *words.split(), "--help"]
        ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
        return None if ran.returncode == 0 else f"{commands[words]}: fieldgate {words}\n{ran.stderr}"

    with ThreadPoolExecutor(max_workers=2) as executor:
        assert [said for said in executor.map(refusal, sorted(commands)) if said] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_to_a_file_of_ours_leads_somewhere(name: str) -> None:
    text = FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (ROOT / name).parent.joinpath(link).exists()] == []


def test_every_document_that_an_error_points_at_exists() -> None:
    named = {path for kind in ERRORS.values() for path in re.findall(r"docs/[\w/-]+\.md", kind.next_step)}
    assert sorted(path for path in named if not (ROOT / path).is_file()) == []


def test_every_error_code_has_its_heading_and_every_heading_its_code() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#{2,3} `?([A-Z][A-Z0-9_]+)`?$", text, re.MULTILINE)
    assert sorted(headings) == sorted(ERRORS)


def test_every_decision_is_listed_once_under_a_number_of_its_own() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(page.name for page in folder.glob("[0-9]*.md"))
    assert len({page[:4] for page in pages}) == len(pages)
    listed = re.findall(r"^- \[\d{4}\]\((.*?)\)", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == pages
    for page in pages:
        assert (folder / page).read_text(encoding="utf-8").startswith(f"# {page[:4]}: ")


def test_every_decision_that_the_code_names_exists() -> None:
    code = [name for name in tracked_files() if name.endswith((".py", ".toml", ".sql"))]
    named = {
        number for name in code for number in re.findall(r"docs/decisions/(\d{4})", (ROOT / name).read_text("utf-8"))
    }
    assert sorted(number for number in named if not list((ROOT / "docs" / "decisions").glob(f"{number}-*.md"))) == []


def test_every_setting_is_listed_with_its_default_and_no_other() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `FIELDGATE_([A-Z_]+)` \| `(.*?)` \|", text, re.MULTILINE))
    defaults = {setting.name.upper(): setting.default for setting in fields(Settings)}
    written = {name: str(int(value) if isinstance(value, bool) else value) for name, value in defaults.items()}
    assert listed == written


def test_the_example_manifest_is_one_and_every_bundle_and_row_condition_is_named() -> None:
    text = (ROOT / "docs" / "manifests.md").read_text(encoding="utf-8")
    (example,) = FENCE.findall(text)
    asked = {scope.scope: scope for scope in parse(example.encode()).products[0].scopes}
    assert (asked["students.read"].implied, asked["students.read"].need) == (True, "required")
    assert [name for name in (*BUNDLES, *ROW_CONDITIONS) if f"`{name}`" not in FENCE.sub("", text)] == []


def test_the_changelog_explains_its_star_and_has_a_place_for_the_next_entry() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "A ★ marks an entry that changes who sees what." in text
    assert "\n## Unreleased\n" in text
