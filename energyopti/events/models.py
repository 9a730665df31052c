"""The outbox: what happened, written in the transaction in which it happened."""

from __future__ import annotations

from django.db import models


class Event(models.Model):
    """One thing that happened. Readers follow by id; nothing here is ever changed."""

    topic = models.CharField(max_length=80)  # "feeds.window.stored"
    sandbox = models.BooleanField(default=False)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(name="event_by_topic", fields=["topic", "id"])]

    def __str__(self) -> str:
        return f"{self.topic} {self.pk}"
