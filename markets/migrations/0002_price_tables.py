"""The price tables. Their SQL stands in sql/0002_price_tables.sql; Django knows their columns only."""

import django.contrib.postgres.fields
from django.db import migrations, models

from markets.migrations.sql import statements


class Migration(migrations.Migration):
    dependencies = [("markets", "0001_series_and_nodes")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(*statements("0002_price_tables"))],
            state_operations=[
                migrations.CreateModel(
                    name="LmpBlock",
                    fields=[
                        ("pnode_id", models.BigIntegerField()),
                        ("start", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField()),
                        ("run_id", models.BigIntegerField()),
                        ("digest", models.BigIntegerField()),
                        ("total_avg", models.FloatField()),
                        ("total_min", models.FloatField()),
                        ("total_max", models.FloatField()),
                        ("congestion_avg", models.FloatField(null=True)),
                        ("revision", models.IntegerField()),
                        ("series", models.SmallIntegerField()),
                        ("n", models.SmallIntegerField()),
                        ("missing", models.SmallIntegerField()),
                        ("unbalanced", models.SmallIntegerField()),
                        ("version", models.SmallIntegerField(null=True)),
                        ("total", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ("congestion", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ("loss", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ("energy", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), null=True, size=None)),
                        (
                            "slot_versions",
                            django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), null=True, size=None),
                        ),
                        ("seen", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None)),
                        ("runs", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None)),
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "series", "pnode_id", "start", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                    ],
                    options={
                        "db_table": "lmp_block",
                    },
                ),
                migrations.CreateModel(
                    name="LmpBlockHistory",
                    fields=[
                        ("pnode_id", models.BigIntegerField()),
                        ("start", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField()),
                        ("run_id", models.BigIntegerField()),
                        ("digest", models.BigIntegerField()),
                        ("total_avg", models.FloatField()),
                        ("total_min", models.FloatField()),
                        ("total_max", models.FloatField()),
                        ("congestion_avg", models.FloatField(null=True)),
                        ("revision", models.IntegerField()),
                        ("series", models.SmallIntegerField()),
                        ("n", models.SmallIntegerField()),
                        ("missing", models.SmallIntegerField()),
                        ("unbalanced", models.SmallIntegerField()),
                        ("version", models.SmallIntegerField(null=True)),
                        ("total", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ("congestion", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ("loss", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ("energy", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), null=True, size=None)),
                        (
                            "slot_versions",
                            django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), null=True, size=None),
                        ),
                        ("seen", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None)),
                        ("runs", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None)),
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "series",
                                "pnode_id",
                                "start",
                                "superseded_at",
                                "layer",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("superseded_at", models.DateTimeField()),
                        ("layer", models.SmallIntegerField()),
                    ],
                    options={
                        "db_table": "lmp_block_history",
                    },
                ),
                migrations.CreateModel(
                    name="LmpEnergy",
                    fields=[
                        ("start", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField()),
                        ("run_id", models.BigIntegerField()),
                        ("revision", models.IntegerField()),
                        ("series", models.SmallIntegerField()),
                        ("n", models.SmallIntegerField()),
                        ("energy", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        (
                            "pk",
                            models.CompositePrimaryKey("series", "start", blank=True, editable=False, primary_key=True, serialize=False),
                        ),
                    ],
                    options={
                        "db_table": "lmp_energy",
                    },
                ),
                migrations.CreateModel(
                    name="LmpEnergyHistory",
                    fields=[
                        ("start", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField()),
                        ("run_id", models.BigIntegerField()),
                        ("revision", models.IntegerField()),
                        ("series", models.SmallIntegerField()),
                        ("n", models.SmallIntegerField()),
                        ("energy", django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "series", "start", "superseded_at", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("superseded_at", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "lmp_energy_history",
                    },
                ),
                migrations.CreateModel(
                    name="LmpLive",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "series",
                                "pnode_id",
                                "interval_start",
                                "recorded_at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("pnode_id", models.BigIntegerField()),
                        ("interval_start", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField()),
                        ("run_id", models.BigIntegerField()),
                        ("total", models.FloatField()),
                        ("congestion", models.FloatField()),
                        ("loss", models.FloatField()),
                        ("energy", models.FloatField()),
                        ("series", models.SmallIntegerField()),
                        ("version", models.SmallIntegerField()),
                    ],
                    options={
                        "db_table": "lmp_live",
                    },
                ),
            ],
        ),
    ]
