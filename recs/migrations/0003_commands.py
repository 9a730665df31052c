"""The functions that write the journal."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("recs", "0002_journal_guards"), ("events", "0001_outbox")]

    operations = [
        migrations.RunSQL(
            (SQL / "0003_commands.sql").read_text(encoding="utf-8"),
            (SQL / "0003_commands.reverse.sql").read_text(encoding="utf-8"),
        )
    ]
