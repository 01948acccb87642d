"""The Python clients of OpenAI and Anthropic, on endpoints that speak their wire shapes."""

import asyncio

import pytest

from kito import server
from kito.testing import TestClient
from tests.clients.visits import wait_until
from tests.conftest import require_module

WORDS = ["Kito ", "speaks ", "as ", "it ", "thinks."]


class Model:
    """An endpoint that answers as both do; `mood` says how it goes on behind the words."""

    def __init__(self):
        self.mood = "whole"
        self.asked = []
        self.finished = []
        self.app = server()
        self.app.post("/v1/chat/completions", self.openai)
        self.app.post("/v1/messages", self.anthropic)

    async def openai(self, body: dict, res):
        self.asked.append(body)
        sse = res.sse()
        for number, word in enumerate(WORDS):
            await sse.send(_completion(number, word))
        if self.mood == "error":
            await sse.send({"error": {"message": "overloaded", "type": "server_error"}})
        await self._go_on(sse)
        if not sse.closed:
            sse.send("[DONE]")
            sse.close()

    async def anthropic(self, body: dict, res):
        self.asked.append(body)
        sse = res.sse()
        for kind, fields in _message():
            await sse.send({"type": kind, **fields}, kind)
        if self.mood == "error":
            await sse.send({"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}}, "error")
        await self._go_on(sse)
        if not sse.closed:
            sse.send({"type": "message_stop"}, "message_stop")
            sse.close()

    async def _go_on(self, sse):
        try:
            if self.mood == "crash":
                raise LookupError("the model is gone")
            if self.mood == "endless":
                await asyncio.sleep(3600)
        finally:
            self.finished.append(sse.closed)


def _completion(number, word):
    delta = {"content": word, **({"role": "assistant"} if number == 0 else {})}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "kito", "choices": [choice]}


def _message():
    usage = {"input_tokens": 1, "output_tokens": 1}
    empty = {"id": "m1", "type": "message", "role": "assistant", "model": "kito", "content": [], "usage": usage}
    yield "message_start", {"message": {**empty, "stop_reason": None, "stop_sequence": None}}
    yield "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
    yield "ping", {}
    for word in WORDS:
        yield "content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}
    yield "content_block_stop", {"index": 0}
    yield "message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage}


class OpenAI:
    """The one client, behind the words that both tests use."""

    def __init__(self, origin):
        self.module = require_module("openai")
        self.client = self.module.OpenAI(base_url=f"{origin}/v1", api_key="none", max_retries=0, timeout=5)

    def ask(self):
        messages = [{"role": "user", "content": "?"}]
        return self.client.chat.completions.create(model="kito", messages=messages, stream=True)

    def texts(self, stream):
        return (chunk.choices[0].delta.content for chunk in stream)


class Anthropic:
    """The other one."""

    def __init__(self, origin):
        self.module = require_module("anthropic")
        self.client = self.module.Anthropic(base_url=origin, api_key="none", max_retries=0, timeout=5)

    def ask(self):
        messages = [{"role": "user", "content": "?"}]
        return self.client.messages.create(model="kito", max_tokens=9, messages=messages, stream=True)

    def texts(self, stream):
        return (event.delta.text for event in stream if event.type == "content_block_delta")


@pytest.fixture
def model():
    return Model()


@pytest.fixture(params=[OpenAI, Anthropic])
def vendor(request, model):
    with TestClient(model.app) as client:
        made = request.param(client.origin)
        yield made
        made.client.close()


def test_a_stream_to_its_end(model, vendor):
    with vendor.ask() as stream:
        assert list(vendor.texts(stream)) == WORDS
    assert model.asked[0]["stream"] is True
    assert model.finished == [False]


def test_an_error_that_the_model_reports(model, vendor):
    model.mood = "error"
    with vendor.ask() as stream, pytest.raises(vendor.module.APIError, match="overloaded"):
        list(vendor.texts(stream))


def test_a_crash_is_never_a_clean_end(model, vendor, caplog):
    model.mood = "crash"
    with vendor.ask() as stream, pytest.raises(vendor.module.APIError):
        list(vendor.texts(stream))
    assert "the model is gone" in caplog.text


def test_a_client_that_leaves_stops_the_model(model, vendor):
    model.mood = "endless"
    with vendor.ask() as stream:
        texts = vendor.texts(stream)
        assert [next(texts) for _ in WORDS] == WORDS
        assert model.finished == []
    wait_until(lambda: model.finished == [True], "the producer has not been told")
