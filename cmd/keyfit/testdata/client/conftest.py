from keyfit_mock import mock  # noqa: F401
