"""The job board of the live page is bounded, and its watchers see every end."""

import asyncio

import pytest

from examples.showcase import jobs
from kito import HTTPError


@pytest.fixture(autouse=True)
def instant_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PHOTO_TIME", (0, 0))


def test_a_full_board_refuses_until_a_job_is_finished() -> None:
    async def scenario() -> None:
        board = jobs.JobBoard()
        started = [board.start() for _ in range(jobs.JOBS_KEPT)]
        with pytest.raises(HTTPError) as refused:
            board.start()
        assert refused.value.status == 503
        for job in started:
            await last_progress(job)
        await asyncio.sleep(0)  # one turn of the loop, in which the tasks end
        newest = board.start()
        assert board.find(newest.id) is newest
        with pytest.raises(HTTPError) as forgotten:
            board.find(started[0].id)
        assert forgotten.value.status == 404
        await last_progress(newest)

    asyncio.run(scenario())


def test_a_slow_watcher_skips_states_but_not_the_last() -> None:
    async def scenario() -> None:
        job = jobs.Job()
        watcher = job.watch()
        assert (await anext(watcher))["percent"] == 0
        await last_progress(job)
        assert (await anext(watcher))["percent"] == 100
        with pytest.raises(StopAsyncIteration):
            await anext(watcher)

    asyncio.run(scenario())


async def last_progress(job: jobs.Job) -> dict[str, int | str]:
    return [progress async for progress in job.watch()][-1]
