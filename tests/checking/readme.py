"""The table of rules in the README; ``python -m tests.checking.readme`` makes it anew."""

from __future__ import annotations

from pathlib import Path

from imageregion.checking import rules_table

README = Path(__file__).parents[2] / "README.md"
START, END = "<!-- rules:start -->", "<!-- rules:end -->"


def table_in(text: str) -> str:
    """Return what stands between the marks; empty where there are none."""
    _, _, rest = text.partition(START)
    table, mark, _ = rest.partition(END)
    return table.strip() if mark else ""


def with_table(text: str) -> str:
    """Return the text with the table of today between its marks."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"{README.name}: no {START} and {END} in it")
    return f"{before}{START}\n{rules_table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
