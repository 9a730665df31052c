"""Nodes by the name that people type, and by parts of it; a day's blocks with when they came, so that the index alone says whether it changed."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models
from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Trim, Upper

from markets.migrations.sql import statements

PLAIN = Upper(Trim(Func(F("name"), Value(r"\s+"), Value(" "), Value("g"), function="regexp_replace", output_field=TextField())))


class Migration(migrations.Migration):
    dependencies = [("markets", "0003_lmp_point")]

    operations = [
        TrigramExtension(),
        migrations.AddIndex("node", models.Index(PLAIN, name="node_by_plain_name")),
        migrations.AddIndex("node", GinIndex(OpClass(PLAIN, name="gin_trgm_ops"), name="node_by_part_of_name")),
        migrations.RunSQL(*statements("0004_blocks_by_day")),
    ]
