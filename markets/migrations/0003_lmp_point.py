"""One row a price, for BI tools."""

from django.db import migrations

from markets.migrations.sql import statements


class Migration(migrations.Migration):
    dependencies = [("markets", "0002_price_tables")]

    operations = [migrations.RunSQL(*statements("0003_lmp_point"))]
