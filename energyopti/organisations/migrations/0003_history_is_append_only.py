"""The history of organisations, members and keys refuses changes."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("organisations", "0002_database_roles")]

    operations = [
        migrations.RunSQL(
            (SQL / "0003_history_is_append_only.sql").read_text(encoding="utf-8"),
            (SQL / "0003_history_is_append_only.reverse.sql").read_text(encoding="utf-8"),
        )
    ]
