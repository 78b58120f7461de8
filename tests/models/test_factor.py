"""Tests of second factors as rows."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from onegov_auth.errors import DecryptionError, MissingSecretKeyError
from onegov_auth.models import User, UserFactor
from onegov_auth.models.context import CONTEXT

SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture(name="factor")
def _factor(session: Session, user: User) -> UserFactor:
    factor = UserFactor(user_id=user.id, type="totp", name="Phone")
    factor.clear_secret = SECRET
    session.add(factor)
    session.commit()
    return factor


def test_a_secret_is_encrypted_in_the_table(session: Session, factor: UserFactor) -> None:
    """The table never has the clear text."""
    row = session.execute(text("SELECT * FROM user_factors")).one()
    assert SECRET not in repr(row)
    assert factor.clear_secret == factor.value == SECRET


def test_a_secret_can_be_replaced_and_removed(session: Session, factor: UserFactor) -> None:
    """A new secret is encrypted as the first one was."""
    factor.clear_secret = "NEW"
    assert factor.clear_secret == "NEW"
    session.commit()
    assert factor.clear_secret == "NEW"
    assert factor.secret not in {None, "", "NEW"}
    factor.clear_secret = None
    session.commit()
    assert factor.clear_secret is None
    assert session.scalar(text("SELECT secret FROM user_factors")) is None


def test_a_secret_belongs_to_its_row(session: Session, factor: UserFactor) -> None:
    """Whoever writes to the table can't give somebody else's factor a known secret."""
    other = UserFactor(user_id=factor.user_id, type="totp")
    other.clear_secret = "KNOWN"
    session.add(other)
    session.flush()
    factor.secret = other.secret
    session.commit()
    with pytest.raises(DecryptionError):
        _ = factor.clear_secret


def test_a_secret_needs_its_key_to_be_read(session: Session, factor: UserFactor) -> None:
    """Without keys the secret is not readable."""
    del session.info[CONTEXT]
    with pytest.raises(MissingSecretKeyError):
        _ = factor.clear_secret
