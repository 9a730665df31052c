"""Whether the node list has changed, without reading it."""

from django.db import migrations

from markets.migrations.sql import statements


class Migration(migrations.Migration):
    dependencies = [("markets", "0004_indexes_of_the_api")]

    operations = [migrations.RunSQL(*statements("0005_node_list_state"))]
