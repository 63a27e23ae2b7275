"""What waits for an answer is kept before it is accepted, once, and answered from what was kept."""

import json

import pytest
from sqlalchemy import select, update

from serving.ingest.erasing import erase
from serving.platforms.callbacks import callback_request, keep_action, keep_chunk
from serving.platforms.hubspot import Action
from serving.platforms.marketo import CALLBACK_HOSTS, read_chunk
from serving.platforms.settings import PlatformSettings
from serving.store.tables import callbacks

SETTINGS = PlatformSettings()


def rows(store):
    """Everything that waits."""
    return store.read(lambda connection: connection.execute(select(callbacks)).mappings().all())


def chunk(payload, numbers, **changes):
    """A submission of these leads."""
    people = [{"objectType": "lead", "objectContext": {"id": number}} for number in numbers]
    return read_chunk({**payload("marketo_submission.json"), "objectData": people, **changes}, CALLBACK_HOSTS)


def test_an_action_that_is_asked_again_waits_once(store, payload, score):
    """HubSpot sends an execution again when it got no answer; the callback answers both."""
    for _ in range(2):
        store.write(lambda connection: keep_action(connection, Action("ap-1", "614", later=True), SETTINGS, 5))
    (row,) = rows(store)
    assert (row["callback_id"], row["state"], row["due_at"], json.loads(row["lead_ids"])) == (
        "hubspot:ap-1",
        "pending",
        5,
        ["614"],
    )
    made, credentials = callback_request(row, {"614": score})
    assert made.url == "https://api.hubapi.com/automation/v4/actions/callbacks/ap-1/complete"
    assert json.loads(made.body) == payload("hubspot_answer.json")
    assert credentials == {"token_env": "READINESS_HUBSPOT_TOKEN"}
    failed, _ = callback_request(row, {"614": "There is no lead '614'."})
    assert json.loads(failed.body)["outputFields"]["hs_execution_state"] == "FAIL_CONTINUE"


def test_the_recorded_submission_is_answered(store, payload, score):
    """From the row alone: the body, the address, and the one-time secrets as headers."""
    told = read_chunk(payload("marketo_submission.json"), CALLBACK_HOSTS)
    assert store.write(lambda connection: keep_chunk(connection, told, 5)) == 2
    (row,) = rows(store)
    assert "ada@example.com" not in str(dict(row))
    made, credentials = callback_request(row, {"1000000": score, "L-7": "There is no lead 'L-7'."})
    assert json.loads(made.body) == payload("marketo_callback.json")
    assert made.headers["x-callback-token"] == "one-time"
    assert credentials == {}


@pytest.mark.parametrize("again", [[1, 2, 3], [3, 2, 1], [1], []])
def test_a_batch_answers_each_lead_once(store, payload, again):
    """A chunk that comes again, whole or in part, adds nobody; new leads of the batch are added."""
    assert store.write(lambda connection: keep_chunk(connection, chunk(payload, [1, 2, 3]), 5)) == 3
    assert store.write(lambda connection: keep_chunk(connection, chunk(payload, [*again, 4]), 6)) == 1
    people = [number for row in rows(store) for number, *_ in json.loads(row["asked"])["people"]]
    assert sorted(people) == [1, 2, 3, 4]
    other = chunk(payload, [1], batchid="9e7d0a52-7a4%")
    assert store.write(lambda connection: keep_chunk(connection, other, 7)) == 1


def test_a_chunk_that_comes_again_brings_its_newest_secrets(store, payload):
    """Tokens are one-time: the last ones are used."""
    store.write(lambda connection: keep_chunk(connection, chunk(payload, [1, 2]), 5))
    store.write(lambda connection: keep_chunk(connection, chunk(payload, [1, 2], token="newer"), 6))  # noqa: S106
    (row,) = rows(store)
    assert json.loads(row["headers"])["x-callback-token"] == "newer"


def test_what_was_given_up_may_come_again(store, payload):
    """A dead callback does not keep its leads from being asked about again."""
    store.write(lambda connection: keep_chunk(connection, chunk(payload, [1, 2]), 5))
    store.write(lambda connection: connection.execute(update(callbacks).values(state="dead")))
    assert store.write(lambda connection: keep_chunk(connection, chunk(payload, [1]), 6)) == 1


@pytest.mark.parametrize("erased", ["L-7", "1000000"])
def test_an_erasure_leaves_the_others_their_answer(store, payload, score, erased):
    """Neither the id nor the number in Marketo of who was erased is left; the other one is still answered."""
    told = read_chunk(payload("marketo_submission.json"), CALLBACK_HOSTS)
    store.write(lambda connection: keep_chunk(connection, told, 5))
    store.write(lambda connection: erase(connection, erased, "admin", 6))
    (row,) = rows(store)
    number = {"L-7": 1_000_001, "1000000": 1_000_000}[erased]
    assert erased not in f"{row['asked']} {row['lead_ids']}"
    assert str(number) not in row["asked"]
    other = ({"L-7", "1000000"} - {erased}).pop()
    body = json.loads(callback_request(row, {other: score})[0].body)
    assert [one["activityData"]["success"] for one in body["objectData"]] == [True]
