"""manage.py apikey."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from energyopti.organisations.models import User
from energyopti.organisations.queries import api_key_for

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("apikey", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_key_stands_alone_on_stdout() -> None:
    user = User.objects.create_user("trader")
    out, err = run("--user", "trader", "--name", "excel")
    key = api_key_for(out.removesuffix("\n"))
    assert (key.user, key.name, key.scope, err) == (user, "excel", "read", "")


def test_scope_write() -> None:
    User.objects.create_user("trader")
    out, _ = run("--user", "trader", "--name", "robot", "--scope", "write")
    assert api_key_for(out.strip()).scope == "write"


def test_an_unknown_user_is_exit_1_and_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("apikey", "--user", "nobody", "--name", "x", stdout=out, stderr=err)
    assert (exit_.value.code, out.getvalue(), err.getvalue()) == (1, "", "no active user is called 'nobody'\n")
