from __future__ import annotations

from edgekit.types.networks.searches import Tried, best_of, on_front


def tried(number: int, cost_ms: float, right: int, reward: float, state: str = "trained") -> Tried:
    return Tried.from_plain(
        {"number": number, "card": f"n{number}.toml", "state": state, "cost_ms": cost_ms, "cost_kind": "counted",
         "right": right, "images": 100 if state == "trained" else 0, "reward": reward}
    )  # fmt: skip


def test_the_front_rises_and_leaves_out_what_was_not_trained() -> None:
    everything = [
        tried(0, 2.0, 60, 60),
        tried(1, 1.0, 50, 50),
        tried(2, 3.0, 60, 40),
        tried(3, 1.0, 40, 40),
        tried(4, 0.1, 0, 0, "too slow"),
        tried(5, 4.0, 70, 35),
    ]
    assert [one.number for one in on_front(everything)] == [1, 0, 5]
    assert best_of(everything) == everything[0]
    assert everything[4].accuracy is None
    assert best_of([everything[4]]) is None


def test_of_equal_rewards_the_fastest_is_the_best() -> None:
    slow = Tried(number=1, card="a.toml", state="trained", cost_ms=4.6, right=22, images=200, reward=11.0)
    fast = slow.model_copy(update={"number": 2, "cost_ms": 4.5})
    assert best_of([slow, fast]) == fast
    assert best_of([fast, slow]) == fast
