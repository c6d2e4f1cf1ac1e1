"""What all types have in common."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from edgekit.types import base
from edgekit.types.base import Frozen, build_types


def test_importing_the_types_builds_none_of_them() -> None:
    """Building all of them took a fifth of every command's start."""
    code = "from edgekit.types import Measurement as m; print(m.__pydantic_complete__, end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False"


def test_one_thread_builds_a_type_and_the_others_wait() -> None:
    class Inner(Frozen):
        number: int

    class Outer(Frozen):
        inner: Inner

    found: list[Outer] = []
    with base.BUILDING:
        thread = threading.Thread(target=lambda: found.append(Outer.from_plain({"inner": {"number": 3}})))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        assert found == []
    thread.join(60)
    assert found == [Outer(inner=Inner(number=3))]
    with pytest.raises(ValueError, match="extra_forbidden"):
        Outer.from_plain({"inner": {"number": 3, "more": 1}})


def test_all_are_built_where_children_use_them() -> None:
    class Child(Frozen):
        number: int

    class Grandchild(Child):
        more: int

    build_types()
    assert Child.__pydantic_complete__
    assert Grandchild.__pydantic_complete__
