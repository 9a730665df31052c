"""Long SQL beside the migrations, each file with its reverse."""

from pathlib import Path


def statements(name: str) -> tuple[str, str]:
    """The SQL of a migration, and what undoes it."""
    folder = Path(__file__).parent
    return (folder / f"{name}.sql").read_text(encoding="utf-8"), (folder / f"{name}.reverse.sql").read_text(encoding="utf-8")
