"""
Second factors: proof on top of a proven identity.

A factor, ours or anybody's, needs what is here and nothing else of the core.
"""

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors.contract import (
    Enrolled,
    Enrolment,
    EnrolmentForm,
    Factor,
    FactorServices,
    FactorSettings,
    Used,
)
from onegov_auth.outcomes import Challenge, Refused, Unavailable

__all__ = [
    "Challenge",
    "Client",
    "Enrolled",
    "Enrolment",
    "EnrolmentForm",
    "Factor",
    "FactorServices",
    "FactorSettings",
    "Refused",
    "Transaction",
    "Unavailable",
    "Used",
    "UserInfo",
]
