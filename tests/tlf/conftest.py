"""Worlds and displays shared by the tests of displays."""

from __future__ import annotations

import pytest

from nirls.tlf.document import Document
from nirls.tlf.make import make_display
from tests.tlf.display_trial import NINE, TWO, World, plans


@pytest.fixture(params=["two", "nine"], scope="session")
def world(request: pytest.FixtureRequest) -> World:
    return World(TWO if request.param == "two" else NINE)


@pytest.fixture(scope="session")
def two() -> World:
    return World(TWO)


@pytest.fixture(scope="session")
def nine() -> World:
    return World(NINE)


@pytest.fixture(scope="session")
def made(world: World) -> dict[str, tuple[Document, dict[str, bytes]]]:
    """Every display of the world, made once."""
    return {number: make_display(number, *plan, world.context) for number, plan in plans(world).items()}
