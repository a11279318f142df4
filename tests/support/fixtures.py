"""Short names for the types of pytest's own fixtures."""

import pytest

Patch = pytest.MonkeyPatch
Shown = pytest.CaptureFixture[str]
Folders = pytest.TempPathFactory
