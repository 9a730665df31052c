import pytest
from energyopti.feeds.models import Coverage

@pytest.mark.django_db
def test_a():
    assert Coverage.objects.count() == 0
