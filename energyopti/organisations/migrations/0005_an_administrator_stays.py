"""An organisation keeps an administrator; the history of invitations refuses changes."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("organisations", "0004_invitations")]

    operations = [
        migrations.RunSQL(
            (SQL / "0005_an_administrator_stays.sql").read_text(encoding="utf-8"),
            (SQL / "0005_an_administrator_stays.reverse.sql").read_text(encoding="utf-8"),
        )
    ]
