"""Row policies for the application's roles."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"
ROLES = Path(__file__).parents[2] / "energyopti/organisations/migrations/sql/0002_database_roles.sql"


class Migration(migrations.Migration):
    dependencies = [("recs", "0003_commands")]

    operations = [
        migrations.RunSQL(
            (SQL / "0004_who_sees_what.sql").read_text(encoding="utf-8"),
            (SQL / "0004_who_sees_what.reverse.sql").read_text(encoding="utf-8"),
        ),
        migrations.RunSQL(ROLES.read_text(encoding="utf-8"), migrations.RunSQL.noop),  # it acts on the comments made above
    ]
