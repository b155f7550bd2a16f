"""What holds for every test."""

from hypothesis import settings

# How long one example takes says something of the machine, not of the code. Each test has a time limit of its own.
settings.register_profile("solorun", deadline=None)
settings.load_profile("solorun")
