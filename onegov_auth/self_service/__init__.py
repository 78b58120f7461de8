"""What people do with their own accounts: join, come back, look after them."""

from onegov_auth.self_service.login_steps import TakingSteps
from onegov_auth.self_service.registering import Registering

__all__ = ["Registering", "TakingSteps"]
