"""Output that goes straight into the socket where the transport holds none: in order, whoever sends what."""

import asyncio

from kito import Limits, server
from tests.support.wire import until

KIB = 1024
PIECE = 2 * KIB  # bytes: small enough to be sent straight
PIECES = 4096  # 8 MiB: more than the kernel keeps for a client that does not read
PATIENT = Limits(max_backlog=64 * KIB * KIB)


def piece(number):
    return number.to_bytes(4, "big") * (PIECE // 4)


async def test_small_frames_keep_their_order_around_a_full_kernel(net):
    app = server(limits=PATIENT)
    written = []

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        for number in range(PIECES):
            stream.write(piece(number))
            written.append(number)
            await asyncio.sleep(0)
        stream.end()

    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4 * KIB)
        await wire.get("/")
        await until(lambda: len(written) > PIECES // 2)  # the kernel is full by now, and the transport holds the rest
        answer = await wire.answer()  # reading lets the transport become empty, again and again
        assert answer.body == b"".join(map(piece, range(PIECES)))
        assert app.stats["ends"] == {"ended": 1}


async def test_what_was_flushed_by_hand_comes_before_the_end_of_the_turn(net):
    app = server(limits=PATIENT)

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        for number in range(0, PIECES, 2):
            stream.write(piece(number))
            stream.flush()  # by way of the transport
            stream.write(piece(number + 1))
            await asyncio.sleep(0)
        stream.end()

    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4 * KIB)
        await wire.get("/")
        assert (await wire.answer()).body == b"".join(map(piece, range(PIECES)))
