"""What the feed machine remembers: runs, raw answers, refused rows, coverage."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class SyncRun(models.Model):
    """One piece of work of one feed over one span. A run that was killed is taken up again under the same id."""

    class Trigger(models.TextChoices):
        PERSON = "person"
        SCHEDULE = "schedule"
        GAP = "gap"
        RESTATEMENT = "restatement"
        BACKFILL = "backfill"
        FILE = "file"
        REPLAY = "replay"

    class Status(models.TextChoices):
        RUNNING = "running"
        COMPLETE = "complete"
        INCOMPLETE = "incomplete"  # loaded, but a window is incomplete, failed or in another worker's hands
        FAILED = "failed"

    feed = models.CharField(max_length=80)
    sandbox = models.BooleanField()
    trigger = models.CharField(max_length=12, choices=Trigger)
    span_start = models.DateTimeField(null=True)  # null until a file's rows are read
    span_end = models.DateTimeField(null=True)
    node_set = models.CharField(max_length=80, blank=True)
    nodes = ArrayField(models.BigIntegerField(), null=True)
    source = models.CharField(max_length=500)  # base URL or file name, without secrets
    of_run = models.ForeignKey("self", models.PROTECT, null=True, related_name="replays")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.RUNNING)
    attempts = models.PositiveSmallIntegerField(default=1)  # 2 and more: taken up again after a crash
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    requests = models.PositiveIntegerField(default=0)
    rows_read = models.PositiveBigIntegerField(default=0)
    rows_outside = models.PositiveBigIntegerField(default=0)  # rows that were sent but not asked for
    rows_flagged = models.PositiveBigIntegerField(default=0)
    stored_new = models.PositiveBigIntegerField(default=0)
    stored_changed = models.PositiveBigIntegerField(default=0)
    stored_revisions = models.PositiveBigIntegerField(default=0)
    quarantined = models.PositiveBigIntegerField(default=0)
    windows_total = models.PositiveIntegerField(default=0)
    windows_complete = models.PositiveIntegerField(default=0)
    windows_incomplete = models.PositiveIntegerField(default=0)
    windows_failed = models.PositiveIntegerField(default=0)
    windows_busy = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="syncrun_span_forward", condition=models.Q(span_end__gt=models.F("span_start"))),
            models.CheckConstraint(
                name="syncrun_finished_unless_running",
                condition=models.Q(status="running", finished_at=None)
                | (~models.Q(status="running") & models.Q(finished_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(name="syncrun_feed_latest", fields=["feed", "sandbox", "-id"]),
            models.Index(name="syncrun_running", fields=["feed"], condition=models.Q(status="running")),
        ]

    def __str__(self) -> str:
        return f"{self.feed} run {self.pk}"


class Payload(models.Model):
    """One raw answer (or imported file) in the archive. It is the checkpoint: a page that stands here is not fetched again."""

    run = models.ForeignKey(SyncRun, models.PROTECT, related_name="payloads")
    pull = models.CharField(max_length=64)  # digest of the question without its paging
    attempt = models.PositiveSmallIntegerField(default=1)
    part = models.PositiveSmallIntegerField(default=0)  # which of the pull's spans
    start_row = models.PositiveIntegerField(default=1)
    rows = models.PositiveIntegerField()
    total_rows = models.PositiveIntegerField()
    url = models.TextField()  # keys redacted
    headers = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)  # of the bytes in the storage
    name = models.CharField(max_length=200)  # in STORAGES["archive"]
    size = models.PositiveBigIntegerField()  # decoded bytes
    fetched_at = models.DateTimeField(auto_now_add=True)
    dropped_at = models.DateTimeField(null=True)  # when the feed's retention took the raw bytes away

    class Meta:
        constraints = [models.UniqueConstraint(name="payload_page_once", fields=["run", "pull", "attempt", "part", "start_row"])]
        indexes = [models.Index(name="payload_by_name", fields=["name"])]

    def __str__(self) -> str:
        return f"{self.run_id} {self.name}"


class Quarantine(models.Model):
    """A row that did not fit, word for word, with the reason. The same row is kept once."""

    run = models.ForeignKey(SyncRun, models.PROTECT, related_name="quarantine")
    feed = models.CharField(max_length=80)
    sandbox = models.BooleanField()
    row = models.PositiveIntegerField()  # counts from 1 in its page or file
    raw = models.TextField()
    field = models.CharField(max_length=80, blank=True)
    code = models.CharField(max_length=40)
    reason = models.CharField(max_length=500)
    digest = models.CharField(max_length=64)  # of raw and code
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "quarantine"
        constraints = [models.UniqueConstraint(name="quarantine_row_once", fields=["feed", "sandbox", "digest"])]

    def __str__(self) -> str:
        return f"{self.feed} row {self.row}: {self.reason}"


class Coverage(models.Model):
    """How complete one window of one feed is, for one node set."""

    class Status(models.TextChoices):
        COMPLETE = "complete"
        INCOMPLETE = "incomplete"  # pulled, something is missing
        RUNNING = "running"  # the window has not ended
        FAILED = "failed"  # nothing could be stored; `reason` says why
        PENDING = "pending"  # opened again, waiting for a pull
        LOST = "lost"  # incomplete, and the upstream no longer keeps it

    feed = models.CharField(max_length=80)
    sandbox = models.BooleanField()
    node_set = models.CharField(max_length=80)
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    expected = models.PositiveBigIntegerField(default=0)
    stored = models.PositiveBigIntegerField(default=0)
    missing = models.GeneratedField(
        expression=models.F("expected") - models.F("stored"), output_field=models.BigIntegerField(), db_persist=True
    )
    missing_nodes = ArrayField(models.BigIntegerField(), default=list)  # at most 100 of them
    status = models.CharField(max_length=12, choices=Status)
    reason = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)  # pulls in a row that left it incomplete
    next_attempt_at = models.DateTimeField(null=True)
    run = models.ForeignKey(SyncRun, models.PROTECT, null=True, related_name="coverage")
    checked_at = models.DateTimeField()  # the last pull that looked
    changed_at = models.DateTimeField()  # the last pull that stored something

    class Meta:
        verbose_name_plural = "coverage"
        constraints = [
            models.UniqueConstraint(name="coverage_window_once", fields=["feed", "sandbox", "node_set", "window_start"]),
            models.CheckConstraint(name="coverage_stored_within_expected", condition=models.Q(stored__lte=models.F("expected"))),
            models.CheckConstraint(
                name="coverage_complete_means_nothing_missing",
                condition=~models.Q(status="complete") | models.Q(stored=models.F("expected"), expected__gt=0),
            ),
        ]
        indexes = [
            models.Index(name="coverage_due", fields=["next_attempt_at"], condition=models.Q(next_attempt_at__isnull=False)),
            models.Index(name="coverage_by_feed_and_time", fields=["feed", "sandbox", "window_start", "node_set"]),
        ]

    def __str__(self) -> str:
        return f"{self.feed} {self.window_start:%Y-%m-%d} {self.status}"


class Upload(models.Model):
    """A file that a person handed over in the back office: looked at first, loaded when they confirm it."""

    class Status(models.TextChoices):
        CHECKED = "checked", "waiting for your word"
        UNREADABLE = "unreadable", "cannot be read"
        QUEUED = "queued", "waiting for a worker"
        RUNNING = "running", "being loaded"
        DONE = "done", "loaded"
        FAILED = "failed", "failed"
        DISCARDED = "discarded", "discarded"

    feed = models.CharField(max_length=80)
    name = models.CharField(max_length=200)  # as the person's machine called it; never used as a path
    stored = models.CharField(max_length=200, blank=True)  # in the default storage; empty once it lies in the archive, or is gone
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)  # of the bytes as they came
    preview = models.JSONField(default=dict)  # what was found in it: previews.Preview
    status = models.CharField(max_length=12, choices=Status, default=Status.CHECKED)
    windows_done = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict)  # what the run came to: runs.Summary
    run = models.ForeignKey(SyncRun, models.PROTECT, null=True, related_name="uploads")
    error = models.TextField(blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="upload_kept_while_needed", condition=~models.Q(stored="") | ~models.Q(status__in=["checked", "queued", "running"])
            ),
        ]
        indexes = [
            models.Index(name="upload_same_file", fields=["feed", "sha256"]),
            models.Index(name="upload_open", fields=["created_at"], condition=~models.Q(stored="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.feed}"
