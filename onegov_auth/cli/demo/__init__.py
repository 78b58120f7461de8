"""``onegov-auth demo``: a small application with all three ways in, on this machine, thrown away afterwards."""
