"""
Who tries too often: the budget every attempt is taken from before anything is asked.

An attempt is *reserved* and committed before the password is looked at, and settled afterwards: of any
number of guesses at once, only as many are looked at as the limit allows, and no rollback gives one
back (RACE-09). What is reserved and never settled counts as a failure.
"""

from onegov_auth.attempts.book import Attempts
from onegov_auth.attempts.limits import KINDS, Attempt, Budget, Budgets, Limit, Tried
from onegov_auth.attempts.networks import network
from onegov_auth.attempts.redis import RedisCounters

__all__ = ["KINDS", "Attempt", "Attempts", "Budget", "Budgets", "Limit", "RedisCounters", "Tried", "network"]
