import json
from dataclasses import asdict, fields, replace

import pytest

from data.clock import DAY
from data.errors import BundleError, ContractError
from models.policy import VERSION, Policy

POLICY = Policy(threshold=0.09, exit_below=0.06, let_go_below=0.01)


def test_json_round_trip():
    """A policy read back is the policy, to the last bit of its thresholds."""
    for policy in (
        POLICY,
        Policy(0.1 + 1e-17, None, 0, 3, DAY, 0),
        replace(POLICY, capacity_per_week=40.0, horizon=DAY),
    ):
        assert Policy.from_json(policy.to_json()) == policy


def test_another_version_is_refused():
    """A reader of policies keeps to what it knows: a text without a version, or of another, says to train again."""
    content = json.loads(POLICY.to_json())
    for version in (None, 1, VERSION + 1, "2", {}):
        other = {**content, "version": version} if version is not None else asdict(POLICY)
        with pytest.raises(BundleError, match=r"no policy.*version.*Train again"):
            Policy.from_json(json.dumps(other).encode())


def test_a_policy_from_before_exploration_explores_nobody():
    """Bundles of the version before are read: their rule is the same without exploration."""
    content = json.loads(POLICY.to_json())
    old = {name: value for name, value in content.items() if not name.startswith("explore")}
    assert Policy.from_json(json.dumps({**old, "version": 2}).encode()) == POLICY
    with pytest.raises(BundleError, match="no policy"):
        Policy.from_json(json.dumps({**content, "version": 2, "chance": 0.1}).encode())


def _with(**changed):
    return json.dumps({**json.loads(POLICY.to_json()), **changed}).encode()


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"[]", b"{}", b"7", b'{"version": 2, "threshold": 0.1}', b"[" * 100_000),
        *(_with(threshold=value) for value in (9, -0.1, None, "0.1", True, [0.1], 1e999)),
        *(_with(dwell=value) for value in (-1, 1.5, None, True)),
        *(_with(horizon=1.5), _with(horizon="30d"), _with(cadence=0), _with(exit_below=0.5), _with(fresh=1)),
    ],
)
def test_what_is_no_policy_is_a_bundle_error(text):
    """Damaged JSON, other keys, other types and impossible numbers are a BundleError."""
    with pytest.raises(BundleError, match="no policy"):
        Policy.from_json(text)


@pytest.mark.parametrize("name", [field.name for field in fields(Policy)])
def test_every_number_of_the_rule_is_in_the_text(name):
    """A text that lacks one of them is refused: nothing is filled in by the reader."""
    content = json.loads(POLICY.to_json())
    del content[name]
    with pytest.raises(BundleError, match="its keys are"):
        Policy.from_json(json.dumps(content).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        *({"threshold": 9.0}, {"threshold": 0.05}, {"exit_below": -0.1}, {"let_go_below": 2.0}, {"min_kinds": -1}),
        *({"min_days": -1}, {"dwell": -1}, {"cool_down": 0}, {"evidence_window": 0}, {"cadence": 0}),
        *({"answer_within": 0}, {"let_go_after": 0}, {"threshold": float("nan")}, {"explore_chance": 1.5}),
    ],
)
def test_an_impossible_policy_is_a_contract_error(wrong):
    """It is refused when it is made, with the fix."""
    with pytest.raises(ContractError, match="Correct"):
        replace(POLICY, **wrong)
