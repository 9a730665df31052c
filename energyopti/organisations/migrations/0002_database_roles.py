"""The roles of the database: energyopti_app for web and workers, energyopti_read for reports."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("organisations", "0001_people_and_keys"), ("sessions", "0001_initial")]  # it takes rights on both away

    operations = [
        migrations.RunSQL(
            (SQL / "0002_database_roles.sql").read_text(encoding="utf-8"),
            (SQL / "0002_database_roles.reverse.sql").read_text(encoding="utf-8"),
        )
    ]
