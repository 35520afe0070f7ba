"""Which cases of a test belong to the quick tier."""

from __future__ import annotations

from typing import Any

import pytest


def also_slow(quick: object, *slow: object) -> list[Any]:
    """Return the cases for ``parametrize``: the first in the quick tier, those like it in the slow one."""
    of_several = [case if isinstance(case, tuple) else (case,) for case in slow]
    return [quick, *(pytest.param(*case, marks=pytest.mark.slow) for case in of_several)]
