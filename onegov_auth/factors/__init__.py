"""Second factors: proof on top of a proven identity."""

from onegov_auth.factors.contract import (
    Enrolled,
    Enrolment,
    EnrolmentForm,
    Factor,
    FactorServices,
    FactorSettings,
    Used,
)

__all__ = ["Enrolled", "Enrolment", "EnrolmentForm", "Factor", "FactorServices", "FactorSettings", "Used"]
