"""What the tests of the blocks share."""

import pytest


@pytest.fixture
def as_users_meet_it():
    """Our own checks of bad input, which the type checks of the test run would forestall."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
