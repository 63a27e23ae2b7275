"""Requests made up from the OpenAPI document, good and bad ones: never a 5xx, never an answer it does not describe."""

import os
from collections import defaultdict

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.app import create_app
from serving.settings import Settings

KEY = "a-key-for-everything"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("READINESS_TEST_EXAMPLES", "6"))
"""Good requests, and as many bad ones, for each operation."""
FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(trained, served, until, tmp_path_factory):
    """A ready service with a model and a store, as its OpenAPI document describes it."""
    store = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    app = create_app(Settings(trained.bundle, store=store, keys=(KEY,), version="1"))
    with served(app, **{"x-api-key": KEY}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        document = client.get("/openapi.json").json()
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=str(client.base_url))
        yield schema


def _ask(operation, mode, answers):
    @given(case=operation.as_strategy(generation_mode=mode))
    @FEW
    def asked(case):
        answer = case.call_and_validate(checks=CHECKS, headers={"x-api-key": KEY}, timeout=30)
        answers[operation.label].add(answer.status_code)

    asked()


def test_whatever_the_document_allows_or_forbids_is_answered_as_it_says(api):
    """Every operation, with bodies that fit its schema and bodies that do not."""
    answers, failures = defaultdict(set), {}
    for found in api.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            if mode.is_positive or _takes_something(operation):
                try:
                    _ask(operation, mode, answers)
                except FailureGroup as group:
                    failures[operation.label] = [str(one)[:200] for one in group.exceptions]
    assert failures == {}
    taken = {label for label, statuses in answers.items() if any(status < 300 for status in statuses)}
    assert {f"POST /v1/{name}" for name in ("events", "touches", "outcomes", "leads", "accounts")} <= taken
    assert {"PUT /v1/leads/{lead_id}", "DELETE /v1/leads/{lead_id}", "GET /v1/model"} <= taken


def _takes_something(operation):
    return bool(operation.body) or bool(operation.query) or bool(operation.path_parameters)
