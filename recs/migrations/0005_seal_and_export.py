"""The outer seal, and what the auditor's export reads."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"
ROLES = Path(__file__).parents[2] / "energyopti/organisations/migrations/sql/0002_database_roles.sql"


class Migration(migrations.Migration):
    dependencies = [("recs", "0004_who_sees_what")]

    operations = [
        migrations.RunSQL(
            (SQL / "0005_seal_and_export.sql").read_text(encoding="utf-8"),
            (SQL / "0005_seal_and_export.reverse.sql").read_text(encoding="utf-8"),
        ),
        migrations.RunSQL(ROLES.read_text(encoding="utf-8"), migrations.RunSQL.noop),  # it acts on the comments made above
    ]
