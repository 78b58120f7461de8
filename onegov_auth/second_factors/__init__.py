"""Second factors on the road: who has which, whether one is missing, answering, and looking after one's own."""

from onegov_auth.second_factors.gate import ENROLMENT, FACTOR, FactorGate
from onegov_auth.second_factors.store import FactorInfo, FactorStore
from onegov_auth.second_factors.trusted import TrustedDevices

__all__ = ["ENROLMENT", "FACTOR", "FactorGate", "FactorInfo", "FactorStore", "TrustedDevices"]
