"""Scripted answers, cut into tokens and paced as a language model would write them."""

import random
import re
from collections.abc import Iterator

from kito import HTTPError

PROMPT_LENGTH = 200  # characters; the input field of the page has the same bound

TOKEN_PAUSE = (0.015, 0.05)  # seconds, shortest and longest, between two tokens
COMMA_PAUSE = 0.12  # seconds after a comma, a colon or a dash
SENTENCE_PAUSE = 0.28  # seconds after the end of a sentence or of a line

# A token is at most six letters of a word, or one other sign, with the space in front of it.
TOKEN = re.compile(r"\s*\w{1,6}|\s*[^\w\s]|\s+")

WHY = """\
Because waiting is the slowest part of an answer.

A model writes one token at a time. Collect them all, and the reader stares at a spinner for ten \
seconds; send each one as it is born, and the first word is on the screen before the second is known. \
The work takes just as long, yet the wait is gone.

There is a quieter reason: whoever has read enough can press Stop. The connection closes, the server \
cancels the handler, and nobody pays for words that nobody reads."""

EVENTS = """\
An event stream is one HTTP response that has not ended yet.

The browser opens it with new EventSource("/events") and keeps reading. The server writes a few lines \
of text for every event: a name, an id if you like, and the data, closed by an empty line. That is the \
whole protocol.

When the connection breaks, the browser comes back by itself and says which id it saw last, so that the \
server can go on from there — no library, no handshake, no polling."""

HAIKU = """\
One chunk, then the next —
the river does not wait for
the sea to be full."""

GREETINGS = """\
Habari! Grüezi! Olá! Γειά! Здравствуйте! こんにちは 👋

Many signs above are two, three or four bytes long, and a network may cut them anywhere. The page decodes \
step by step, so half a character waits quietly for its other half."""

FALLBACK = """\
You asked: “{prompt}”

I would love to know. No language model is running here: this is a scripted answer, so that the page works \
without a key and without a network. The streaming is real, though. Put your model's tokens where \
this script's are, and nothing else changes."""

SCRIPT = (
    (("why", "stream"), WHY),
    (("event",), EVENTS),
    (("haiku",), HAIKU),
    (("hello",), GREETINGS),
)


def answer_to(prompt: str) -> str:
    """Return the whole scripted answer to `prompt`.

    Raises `HTTPError` 400 when the prompt is longer than `PROMPT_LENGTH`.
    """
    if len(prompt) > PROMPT_LENGTH:
        raise HTTPError(400, f"a prompt may have {PROMPT_LENGTH} characters")
    asked = prompt.lower()
    for words, answer in SCRIPT:
        if all(word in asked for word in words):
            return answer
    return FALLBACK.format(prompt=prompt)


def tokens_for(prompt: str) -> Iterator[tuple[str, float]]:
    """Return the tokens of the answer to `prompt`, each with the seconds to wait after it."""
    return ((token, _pause_after(token)) for token in TOKEN.findall(answer_to(prompt)))


def _pause_after(token: str) -> float:
    sign = token.strip()
    if sign in (".", "!", "?"):
        return SENTENCE_PAUSE
    if sign in (",", ":", ";", "—"):
        return COMMA_PAUSE
    return random.uniform(*TOKEN_PAUSE)
