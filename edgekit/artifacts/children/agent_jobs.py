"""The agent as a child of edgekit's own: it need not start an interpreter and import a runtime for every question."""

from __future__ import annotations

from typing import Any

from ...base.processes.isolate import quick_imports


def told(request: dict[str, Any]) -> dict[str, Any]:
    """The message that the agent answers a request with: JSON both, as its protocol has them."""
    with quick_imports():
        from ...agent import main as agent
    try:
        return {"ok": True, "value": agent.answer(request)}
    except Exception as error:  # noqa: BLE001 - as from the agent's own process, whoever asked must hear of anything
        return agent.refusal(error)
