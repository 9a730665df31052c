"""What must never happen to certificates: triggers, and proofs at COMMIT."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("recs", "0001_business_records_and_journal"), ("organisations", "0005_an_administrator_stays")]

    operations = [
        migrations.RunSQL(
            "\n".join(path.read_text(encoding="utf-8") for path in sorted(SQL.glob("0002_[0-9]_*.sql"))),
            (SQL / "0002_journal.reverse.sql").read_text(encoding="utf-8"),
        )
    ]
