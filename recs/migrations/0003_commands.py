"""The functions that write the journal."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("recs", "0002_journal_guards"), ("events", "0001_outbox")]

    operations = [
        migrations.RunSQL(
            "\n".join(path.read_text(encoding="utf-8") for path in sorted(SQL.glob("0003_[0-9]_*.sql"))),
            (SQL / "0003_commands.reverse.sql").read_text(encoding="utf-8"),
        )
    ]
