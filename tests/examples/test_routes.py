"""The routes of the live page over a real socket."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import pytest

from examples.showcase.answers import PROMPT_LENGTH, answer_to, tokens_for
from kito.testing import EventParser, ReceivedEvent
from tests.clients.marks import EVENTS, STREAM_PIECES

if TYPE_CHECKING:
    import httpx2

LOG_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} (DEBUG|INFO|WARN|ERROR) +\w+ +\S.*")


def events_of(response: "httpx2.Response") -> Iterator[ReceivedEvent]:
    parser = EventParser()
    return (event for piece in response.iter_raw() for event in parser.feed(piece) if isinstance(event, ReceivedEvent))


def watch(client: "httpx2.Client", path: str) -> list[ReceivedEvent]:
    with client.stream("GET", path) as response:
        assert response.headers["content-type"] == "text/event-stream"
        return list(events_of(response))


def test_the_two_published_routes(client: "httpx2.Client") -> None:
    with ThreadPoolExecutor() as pool:
        text, events = pool.submit(client.get, "/stream"), pool.submit(watch, client, "/events")
    assert text.result().text == "".join(STREAM_PIECES)
    assert [(event.event, event.data) for event in events.result()] == list(EVENTS)


@pytest.mark.parametrize("prompt", ["a haiku, please", "say hello", "what is “kito” & why?"])
def test_the_tokens_of_an_answer_come_one_by_one_and_make_it_whole(client: "httpx2.Client", prompt: str) -> None:
    with client.stream("GET", "/ai", params={"prompt": prompt}) as response:
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        start = time.monotonic()
        pieces = [(time.monotonic() - start, piece) for piece in response.iter_raw()]
    assert b"".join(piece for _, piece in pieces).decode() == answer_to(prompt)
    paused = sum(pause for _, pause in tokens_for(prompt))
    assert len(pieces) >= 10
    assert pieces[-1][0] - pieces[0][0] > paused / 4, "the answer came in one go"


def test_every_script_can_be_asked_for() -> None:
    prompts = ["Why stream an answer?", "How do events work?", "A haiku about chunks", "Say hello in many scripts", ""]
    answers = [answer_to(prompt) for prompt in prompts]
    assert len(set(answers)) == len(prompts)
    for prompt, answer in zip(prompts, answers, strict=True):
        assert "".join(token for token, _ in tokens_for(prompt)) == answer


def test_a_prompt_that_is_too_long_is_refused(client: "httpx2.Client") -> None:
    assert client.get("/ai", params={"prompt": "x" * (PROMPT_LENGTH + 1)}).status_code == 400


def test_the_progress_of_a_job_rises_to_a_hundred(client: "httpx2.Client") -> None:
    started = client.post("/job")
    assert started.status_code == 202
    path = started.headers["location"]
    assert path == f"/job/{started.json()['id']}"
    *progress, done = watch(client, path)
    assert {event.event for event in progress} == {"progress"}
    percents = [json.loads(event.data)["percent"] for event in progress]
    assert len(percents) > 10
    assert all(before <= after for before, after in pairwise(percents))
    assert percents[-1] == 100
    assert (done.event, json.loads(done.data)) == ("done", {"photos": 120})
    late = watch(client, path)
    assert [event.event for event in late] == ["progress", "done"]


def test_a_job_that_does_not_exist_is_not_found(client: "httpx2.Client") -> None:
    response = client.get("/job/none")
    assert response.status_code == 404
    assert "there is no job none" in response.text


def test_log_entries_are_numbered_and_keep_their_lines(client: "httpx2.Client") -> None:
    with client.stream("GET", "/logs") as response:
        entries = list(islice(events_of(response), 6))
    assert [entry.id for entry in entries] == ["1", "2", "3", "4", "5", "6"]
    assert {entry.event for entry in entries} == {"message"}
    assert all(LOG_LINE.fullmatch(entry.data.split("\n")[0]) for entry in entries)
    failure = next(entry.data.split("\n") for entry in entries if " ERROR " in entry.data)
    assert failure[1:3] == ["Traceback (most recent call last):", '  File "mailer/outbox.py", line 71, in deliver']
    assert len(failure) == 5


@pytest.mark.parametrize(("last_seen", "next_number"), [("41", "42"), ("", "1"), ("x", "1"), ("9" * 5000, "1")])
def test_the_log_goes_on_behind_what_the_client_saw_last(
    client: "httpx2.Client", last_seen: str, next_number: str
) -> None:
    with client.stream("GET", "/logs", headers={"last-event-id": last_seen}) as response:
        assert next(events_of(response)).id == next_number
