"""Accounts, generators, batches, and the tables of the journal."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
import simple_history.models
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import energyopti.logs


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organisations", "0005_an_administrator_stays"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name="Command",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField()),
                ("request_hash", models.BinaryField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("issue", "Issue"),
                            ("import", "Import from another registry"),
                            ("receive", "Receive from outside"),
                            ("transfer", "Transfer"),
                            ("export", "Export to another registry"),
                            ("retire", "Retire"),
                            ("reserve", "Reserve"),
                            ("reverse", "Reverse"),
                            ("pay", "Payment"),
                            ("credit", "Credit limit"),
                            ("approve", "Approve"),
                            ("accept", "Accept"),
                            ("confirm", "Confirmed by the registry"),
                            ("release", "Release"),
                            ("reject", "Reject"),
                            ("cancel", "Cancel"),
                            ("expire", "Expire"),
                            ("refuse", "Refused by the registry"),
                        ],
                        max_length=10,
                    ),
                ),
                ("to_bucket", models.SmallIntegerField(choices=[(1, "active"), (2, "held"), (8, "exported"), (9, "retired")], null=True)),
                ("quantity", models.BigIntegerField()),
                (
                    "awaiting",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("approval", "a second person"),
                                ("acceptance", "the receiver"),
                                ("registry", "the registry's confirmation"),
                                ("release", "its release"),
                            ],
                            max_length=10,
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("price_cents", models.BigIntegerField(null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("reference", models.CharField(blank=True, max_length=100)),
                ("reference_date", models.DateField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("self_approved", models.BooleanField(default=False)),
                ("request_id", models.CharField(blank=True, max_length=80)),
                ("api_key", models.CharField(blank=True, max_length=8)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("hash", models.BinaryField()),
                (
                    "counterparty",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organisations.organisation",
                    ),
                ),
                (
                    "export",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="recs.command",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("reserve", "Reserve"),
                            ("retirement", "Retirement"),
                            ("export", "Export"),
                            ("external", "External"),
                            ("world", "World"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("registry_account", models.CharField(blank=True, max_length=60)),
                ("sandbox", models.BooleanField()),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="CashAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("party", "Counterparty"), ("trading", "Bought and sold"), ("bank", "Bank")], max_length=7),
                ),
                ("balance_cents", models.BigIntegerField(default=0)),
                ("credit_limit_cents", models.BigIntegerField(default=0)),
                ("last_entry", models.BigIntegerField(null=True)),
                (
                    "counterparty",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
                    ),
                ),
                (
                    "external",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recs.account"),
                ),
                (
                    "organisation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Retirement",
            fields=[
                (
                    "command",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="retirement",
                        serialize=False,
                        to="recs.command",
                    ),
                ),
                ("programme", models.CharField(blank=True, max_length=60)),
                ("state", models.CharField(blank=True, max_length=2)),
                ("compliance_year", models.SmallIntegerField(null=True)),
                ("tier", models.CharField(blank=True, max_length=40)),
                ("beneficiary", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=200)),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name="command",
            name="from_account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="recs.account",
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="made_by",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organisations.organisation",
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="resolves",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="recs.command",
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="reverses",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversals",
                to="recs.command",
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="root",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="steps",
                to="recs.command",
            ),
        ),
        migrations.AddField(
            model_name="command",
            name="to_account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="recs.account",
            ),
        ),
        migrations.CreateModel(
            name="CashEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_cents", models.BigIntegerField()),
                ("hash", models.BinaryField()),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="recs.cashaccount")),
                ("command", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="cash", to="recs.command")),
            ],
            options={
                "verbose_name_plural": "cash entries",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("serial_base", models.CharField(max_length=80)),
                ("serials", django.contrib.postgres.fields.ranges.BigIntegerRangeField()),
                ("registry_text", models.CharField(blank=True, max_length=200)),
                ("fuel", models.CharField(max_length=20)),
                ("state", models.CharField(max_length=2)),
                ("vintage", models.DateField()),
                ("sandbox", models.BooleanField()),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organisation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"),
                ),
                (
                    "variance_of",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="variances", to="recs.batch"
                    ),
                ),
                (
                    "export",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imported_batches",
                        to="recs.command",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "batches",
                "ordering": ["vintage", "id"],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("serials", django.contrib.postgres.fields.ranges.BigIntegerRangeField()),
                ("from_bucket", models.SmallIntegerField(choices=[(1, "active"), (2, "held"), (8, "exported"), (9, "retired")], null=True)),
                ("to_bucket", models.SmallIntegerField(choices=[(1, "active"), (2, "held"), (8, "exported"), (9, "retired")])),
                ("hash", models.BinaryField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="recs.batch",
                    ),
                ),
                (
                    "command",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="recs.command"
                    ),
                ),
                (
                    "from_account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="recs.account",
                    ),
                ),
                (
                    "prev",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="recs.entry",
                    ),
                ),
                (
                    "to_account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="recs.account",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Generator",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("fuel", models.CharField(max_length=20)),
                ("technology", models.CharField(blank=True, max_length=60)),
                ("state", models.CharField(max_length=2)),
                ("capacity_mw", models.DecimalField(decimal_places=3, max_digits=10)),
                ("commissioned_on", models.DateField(blank=True, null=True)),
                ("sandbox", models.BooleanField()),
                (
                    "organisation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="GenerationRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("days", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("generation_mwh", models.DecimalField(decimal_places=3, max_digits=15)),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="reads", to="recs.batch"
                    ),
                ),
                ("generator", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="reads", to="recs.generator")),
            ],
        ),
        migrations.CreateModel(
            name="Eligibility",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("programme", models.CharField(max_length=60)),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("certification", models.CharField(blank=True, max_length=60)),
                (
                    "generator",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="eligibilities", to="recs.generator"),
                ),
            ],
            options={
                "verbose_name_plural": "eligibilities",
            },
        ),
        migrations.AddField(
            model_name="batch",
            name="generator",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="recs.generator"),
        ),
        migrations.CreateModel(
            name="HistoricalEligibility",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                ("programme", models.CharField(max_length=60)),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("certification", models.CharField(blank=True, max_length=60)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "generator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.generator",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "historical eligibility",
                "verbose_name_plural": "historical eligibilities",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalGenerationRead",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                ("days", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("generation_mwh", models.DecimalField(decimal_places=3, max_digits=15)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.batch",
                    ),
                ),
                (
                    "generator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.generator",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "historical generation read",
                "verbose_name_plural": "historical generation reads",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalGenerator",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                ("name", models.CharField(max_length=120)),
                ("fuel", models.CharField(max_length=20)),
                ("technology", models.CharField(blank=True, max_length=60)),
                ("state", models.CharField(max_length=2)),
                ("capacity_mw", models.DecimalField(decimal_places=3, max_digits=10)),
                ("commissioned_on", models.DateField(blank=True, null=True)),
                ("sandbox", models.BooleanField()),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="organisations.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical generator",
                "verbose_name_plural": "historical generators",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalPolicy",
            fields=[
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                (
                    "four_eyes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("issue", "Issue"),
                                ("receive", "Receive from outside"),
                                ("transfer", "Transfer"),
                                ("retire", "Retire"),
                                ("export", "Export"),
                                ("import", "Import"),
                                ("reverse", "Reverse"),
                                ("confirm", "Enter a registry's confirmation"),
                            ],
                            max_length=10,
                        ),
                        blank=True,
                        size=None,
                    ),
                ),
                ("offer_days", models.PositiveSmallIntegerField(default=14)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="organisations.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical policy",
                "verbose_name_plural": "historical policies",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Holding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("serials", django.contrib.postgres.fields.ranges.BigIntegerRangeField()),
                ("bucket", models.SmallIntegerField(choices=[(1, "active"), (2, "held"), (8, "exported"), (9, "retired")])),
                (
                    "quantity",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            django.db.models.functions.text.Upper("serials", output_field=models.BigIntegerField()),
                            "-",
                            django.db.models.functions.text.Lower("serials", output_field=models.BigIntegerField()),
                        ),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holdings",
                        to="recs.account",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holdings",
                        to="recs.batch",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holdings",
                        to="recs.entry",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                (
                    "organisation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="organisations.organisation",
                    ),
                ),
                (
                    "four_eyes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("issue", "Issue"),
                                ("receive", "Receive from outside"),
                                ("transfer", "Transfer"),
                                ("retire", "Retire"),
                                ("export", "Export"),
                                ("import", "Import"),
                                ("reverse", "Reverse"),
                                ("confirm", "Enter a registry's confirmation"),
                            ],
                            max_length=10,
                        ),
                        blank=True,
                        size=None,
                    ),
                ),
                ("offer_days", models.PositiveSmallIntegerField(default=14)),
            ],
            options={
                "verbose_name_plural": "policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "four_eyes__contained_by",
                                ["issue", "receive", "transfer", "retire", "export", "import", "reverse", "confirm"],
                            )
                        ),
                        name="policy_actions_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("offer_days__range", (1, 366))), name="policy_offer_days_sane"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Registry",
            fields=[
                ("code", models.CharField(max_length=10, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("operator", models.CharField(blank=True, max_length=100)),
                ("serial_example", models.CharField(blank=True, max_length=60)),
                ("source", models.CharField(max_length=200)),
                (
                    "kept_in",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recs.registry"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "registries",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Registration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("unit_id", models.CharField(max_length=40)),
                ("sandbox", models.BooleanField()),
                (
                    "generator",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="registrations", to="recs.generator"),
                ),
                ("registry", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recs.registry")),
            ],
        ),
        migrations.CreateModel(
            name="HistoricalRegistry",
            fields=[
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                ("code", models.CharField(db_index=True, max_length=10)),
                ("name", models.CharField(max_length=100)),
                ("operator", models.CharField(blank=True, max_length=100)),
                ("serial_example", models.CharField(blank=True, max_length=60)),
                ("source", models.CharField(max_length=200)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "kept_in",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.registry",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical registry",
                "verbose_name_plural": "historical registries",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalRegistration",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                ("unit_id", models.CharField(max_length=40)),
                ("sandbox", models.BooleanField()),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "generator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.generator",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "registry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.registry",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical registration",
                "verbose_name_plural": "historical registrations",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalBatch",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                ("serial_base", models.CharField(max_length=80)),
                ("serials", django.contrib.postgres.fields.ranges.BigIntegerRangeField()),
                ("registry_text", models.CharField(blank=True, max_length=200)),
                ("fuel", models.CharField(max_length=20)),
                ("state", models.CharField(max_length=2)),
                ("vintage", models.DateField()),
                ("sandbox", models.BooleanField()),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "export",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.command",
                    ),
                ),
                (
                    "generator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.generator",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="organisations.organisation",
                    ),
                ),
                (
                    "variance_of",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.batch",
                    ),
                ),
                (
                    "registry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.registry",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical batch",
                "verbose_name_plural": "historical batches",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalAccount",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("request_id", models.CharField(blank=True, default=energyopti.logs.request_id, max_length=80)),
                ("api_key", models.CharField(blank=True, default=energyopti.logs.api_key, max_length=8)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("reserve", "Reserve"),
                            ("retirement", "Retirement"),
                            ("export", "Export"),
                            ("external", "External"),
                            ("world", "World"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("registry_account", models.CharField(blank=True, max_length=60)),
                ("sandbox", models.BooleanField()),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="organisations.organisation",
                    ),
                ),
                (
                    "registry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recs.registry",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical account",
                "verbose_name_plural": "historical accounts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddField(
            model_name="command",
            name="to_registry",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="recs.registry",
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="registry",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recs.registry"),
        ),
        migrations.AddField(
            model_name="account",
            name="registry",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recs.registry"
            ),
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upto_entry", models.BigIntegerField()),
                ("upto_command", models.BigIntegerField()),
                ("upto_cash_entry", models.BigIntegerField()),
                ("entries", models.BigIntegerField()),
                ("commands", models.BigIntegerField()),
                ("digest", models.BinaryField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [models.UniqueConstraint(fields=("upto_command", "upto_entry", "upto_cash_entry"), name="seal_goes_on")],
            },
        ),
        migrations.AddConstraint(
            model_name="cashaccount",
            constraint=models.UniqueConstraint(
                fields=("organisation", "kind", "counterparty", "external"), name="cash_account_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="cashaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("counterparty__isnull", False), ("external", None), ("kind", "party")),
                    models.Q(("counterparty", None), ("external__isnull", False), ("kind", "party")),
                    models.Q(("counterparty", None), ("external", None), ("kind__in", ["trading", "bank"])),
                    _connector="OR",
                ),
                name="cash_party_is_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="cashaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("external", None), ("kind", "party"), _negated=True),
                    (
                        "balance_cents__gte",
                        django.db.models.expressions.CombinedExpression(models.F("credit_limit_cents"), "*", models.Value(-1)),
                    ),
                    _connector="OR",
                ),
                name="cash_within_credit_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="cashaccount",
            constraint=models.CheckConstraint(condition=models.Q(("credit_limit_cents__gte", 0)), name="cash_limit_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="cashaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("counterparty", None), models.Q(("counterparty", models.F("organisation")), _negated=True), _connector="OR"
                ),
                name="cash_not_with_itself",
            ),
        ),
        migrations.AddConstraint(
            model_name="retirement",
            constraint=models.CheckConstraint(condition=models.Q(("beneficiary", ""), _negated=True), name="retirement_for_somebody"),
        ),
        migrations.AddConstraint(
            model_name="retirement",
            constraint=models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="retirement_has_reason"),
        ),
        migrations.AddConstraint(
            model_name="retirement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("programme", ""),
                    models.Q(("compliance_year__isnull", False), ("compliance_year__range", (1990, 2200))),
                    _connector="OR",
                ),
                name="retirement_programme_has_year",
            ),
        ),
        migrations.AddConstraint(
            model_name="cashentry",
            constraint=models.CheckConstraint(condition=models.Q(("amount_cents", 0), _negated=True), name="cash_entry_not_zero"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(models.F("prev"), django.db.models.functions.text.Lower("serials"), name="entry_by_predecessor"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["batch", "to_account"], name="entry_by_batch"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("prev", None)), expressions=[("batch", "="), ("serials", "&&")], name="issued_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="generator",
            constraint=models.UniqueConstraint(fields=("organisation", "name"), name="generator_name_once"),
        ),
        migrations.AddConstraint(
            model_name="generator",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="generator_named"),
        ),
        migrations.AddConstraint(
            model_name="generator",
            constraint=models.CheckConstraint(condition=models.Q(("fuel__regex", "^[a-z][a-z_]*$")), name="generator_fuel_plain"),
        ),
        migrations.AddConstraint(
            model_name="generator",
            constraint=models.CheckConstraint(condition=models.Q(("state__regex", "^[A-Z]{2}$")), name="generator_state_plain"),
        ),
        migrations.AddConstraint(
            model_name="generator",
            constraint=models.CheckConstraint(condition=models.Q(("capacity_mw__gt", 0)), name="generator_capacity_positive"),
        ),
        migrations.AddConstraint(
            model_name="generationread",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("generator", "="), ("days", "&&")], name="generation_read_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="generationread",
            constraint=models.CheckConstraint(
                condition=models.Q(("days__isempty", False), ("days__lower_inf", False), ("days__upper_inf", False)),
                name="generation_read_bounded",
            ),
        ),
        migrations.AddConstraint(
            model_name="generationread",
            constraint=models.CheckConstraint(condition=models.Q(("generation_mwh__gte", 0)), name="generation_read_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="eligibility",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("generator", "="), ("programme", "="), ("valid", "&&")], name="eligibility_once_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="eligibility",
            constraint=models.CheckConstraint(condition=models.Q(("valid__isempty", False)), name="eligibility_valid_some_day"),
        ),
        migrations.AddConstraint(
            model_name="eligibility",
            constraint=models.CheckConstraint(condition=models.Q(("programme", ""), _negated=True), name="eligibility_programme_named"),
        ),
        migrations.AddIndex(
            model_name="holding",
            index=models.Index(fields=["account", "batch", "bucket", "quantity"], name="holding_best_fit"),
        ),
        migrations.AddIndex(
            model_name="holding",
            index=models.Index(models.F("entry"), django.db.models.functions.text.Lower("serials"), name="holding_by_entry"),
        ),
        migrations.AddIndex(
            model_name="holding",
            index=models.Index(condition=models.Q(("bucket", 2)), fields=["account"], name="holding_held"),
        ),
        migrations.AddConstraint(
            model_name="holding",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("batch", "="), ("serials", "&&")], name="owned_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="registry",
            constraint=models.CheckConstraint(condition=models.Q(("code__regex", "^[a-z]+$")), name="registry_code_plain"),
        ),
        migrations.AddConstraint(
            model_name="registry",
            constraint=models.CheckConstraint(
                condition=models.Q(("kept_in", None), models.Q(("kept_in", models.F("code")), _negated=True), _connector="OR"),
                name="registry_not_kept_in_itself",
            ),
        ),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.UniqueConstraint(
                models.F("registry"),
                django.db.models.functions.text.Upper(
                    models.Func(
                        models.F("unit_id"),
                        models.Value("[^!-~]"),
                        models.Value(""),
                        models.Value("g"),
                        function="regexp_replace",
                        template='%(function)s(%(expressions)s) COLLATE "C"',
                    )
                ),
                models.F("sandbox"),
                name="registration_unit_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.CheckConstraint(condition=models.Q(("unit_id__regex", "^[!-~]+( [!-~]+)*$")), name="registration_unit_plain"),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(fields=["organisation", "-id"], name="command_by_organisation"),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("counterparty__isnull", False)), fields=["counterparty", "-id"], name="command_by_counterparty"
            ),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(condition=models.Q(("kind", "export")), fields=["organisation"], name="command_exports"),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("kind__in", ["reject", "cancel", "expire", "refuse"])),
                fields=["organisation", "root"],
                name="command_ended",
            ),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(condition=models.Q(("root__isnull", False)), fields=["root", "id"], name="command_steps"),
        ),
        migrations.AddConstraint(
            model_name="command",
            constraint=models.UniqueConstraint(fields=("key",), name="command_key_once"),
        ),
        migrations.AddConstraint(
            model_name="command",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolves__isnull", False)), fields=("resolves",), name="command_resolved_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="command",
            constraint=models.UniqueConstraint(
                condition=models.Q(("awaiting", []), ("reverses__isnull", False)), fields=("reverses",), name="command_reversed_once"
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["vintage", "id"], name="batch_by_vintage"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("voided_at", None)),
                expressions=[
                    ("registry", "="),
                    (
                        django.db.models.functions.text.Upper(
                            models.Func(
                                models.F("serial_base"),
                                models.Value("[^!-~]"),
                                models.Value(""),
                                models.Value("g"),
                                function="regexp_replace",
                                template='%(function)s(%(expressions)s) COLLATE "C"',
                            )
                        ),
                        "=",
                    ),
                    ("sandbox", "="),
                    ("serials", "&&"),
                ],
                name="batch_serials_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("export", None), ("voided_at", None)),
                expressions=[("generator", "="), ("vintage", "="), ("registry", "<>")],
                name="batch_month_in_one_registry",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("serials__isempty", False),
                    ("serials__lower_inf", False),
                    ("serials__startswith__gte", 0),
                    ("serials__upper_inf", False),
                ),
                name="batch_serials_bounded",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(condition=models.Q(("vintage__day", 1)), name="batch_vintage_is_a_month"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(condition=models.Q(("serial_base__regex", "^[!-~]+( [!-~]+)*$")), name="batch_base_plain"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(("variance_of", None), models.Q(("variance_of", models.F("id")), _negated=True), _connector="OR"),
                name="batch_varies_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["active", "reserve", "retirement", "export", "external", "world"])),
                name="account_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "world"), ("organisation", None), ("registry__isnull", False)),
                    models.Q(models.Q(("kind", "world"), _negated=True), ("organisation__isnull", False)),
                    _connector="OR",
                ),
                name="account_world_belongs_to_nobody",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("registry_account", ""),
                    models.Q(("registry__isnull", False), models.Q(("kind__in", ["external", "world"]), _negated=True)),
                    _connector="OR",
                ),
                name="account_mirror_names_its_registry",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="account_named"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("closed_at", None), ("closed_at__gte", models.F("opened_at")), _connector="OR"),
                name="account_closed_after_opened",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "world")), fields=("registry", "sandbox"), name="account_world_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(fields=("organisation", "name"), name="account_name_once"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("registry_account", ""), _negated=True),
                fields=("organisation", "registry", "registry_account"),
                name="account_mirrored_once",
            ),
        ),
    ]
