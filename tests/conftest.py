"""Settings of every test."""

from hypothesis import settings

settings.register_profile("no times", deadline=None)  # a busy machine must not decide whether a test passes
settings.load_profile("no times")
