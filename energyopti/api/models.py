"""What the API remembers between two requests."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class KeptAnswer(models.Model):
    """The answer to a POST that wrote, under the key its caller chose: the same request again is answered by it.

    It is written in the transaction of what the request did, so one never stands without the other.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)  # SHA-256 of method, address and canonical body
    status = models.PositiveSmallIntegerField()
    body = models.TextField()  # JSON, letter by letter as it was sent (jsonb would reorder it)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="keptanswer_key_once", fields=["user", "key"]),
            models.CheckConstraint(name="keptanswer_key_visible_ascii", condition=Q(key__regex=r"^[!-~]+$")),
            models.CheckConstraint(name="keptanswer_only_success", condition=Q(status__gte=200, status__lt=300)),
            models.CheckConstraint(name="keptanswer_hash_is_sha256", condition=Q(request_hash__regex=r"^[0-9a-f]{64}$")),
        ]
        indexes = [models.Index(name="keptanswer_oldest", fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}: {self.status}"
