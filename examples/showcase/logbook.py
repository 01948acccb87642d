"""An endless, believable log: numbered entries of one or several lines."""

import random
import re
from collections.abc import Iterator
from datetime import datetime

NUMBER = re.compile("[0-9]{1,15}")

FAILURE = """\
could not deliver message {id}, next attempt in {ms} s
Traceback (most recent call last):
  File "mailer/outbox.py", line 71, in deliver
    reply = relay.send(message)
TimeoutError: the relay did not answer within 5 s"""

SLOW_QUERY = """\
slow query ({ms} ms)
    SELECT * FROM events WHERE account = {id}
    ORDER BY created DESC"""

STORY = (
    ("INFO", "web", "GET /stream 200 in {ms} ms"),
    ("INFO", "web", "POST /job 202 in {ms} ms"),
    ("DEBUG", "cache", "hit user:{id} ({ms} µs)"),
    ("ERROR", "mailer", FAILURE),
    ("INFO", "worker", "photo {id}.jpg resized in {ms} ms"),
    ("INFO", "worker", "photo {id}.jpg resized in {ms} ms"),
    ("WARN", "db", SLOW_QUERY),
    ("DEBUG", "pool", "connection {id} returned, {ms} idle"),
    ("INFO", "mailer", "message {id} delivered at the second attempt"),
    ("INFO", "web", "GET /events 200, open for {ms} s"),
    ("DEBUG", "cache", "miss user:{id}, fetched in {ms} ms"),
    ("WARN", "web", "client {id} reads slowly, waiting for it"),
)


def entries_after(last_id: str | None) -> Iterator[tuple[int, str]]:
    """Yield numbered entries without end, beginning after the one that the client saw last.

    `last_id` is whatever the client sent: anything but a plain number means that it saw none.
    """
    number = int(last_id) if last_id and NUMBER.fullmatch(last_id) else 0
    while True:
        number += 1
        yield number, _entry(number)


def _entry(number: int) -> str:
    level, source, text = STORY[number % len(STORY)]
    now = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
    details = text.format(id=random.randint(1000, 9999), ms=random.randint(2, 90))
    return f"{now} {level:5} {source:6} {details}"
