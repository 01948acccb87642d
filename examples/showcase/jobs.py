"""Long jobs that run beside the requests, and the progress that any number of streams may watch."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator

from kito import HTTPError

PHOTOS = 120  # units of work in a job
PHOTO_TIME = (0.02, 0.08)  # seconds, shortest and longest, that one unit takes
JOBS_KEPT = 32  # jobs remembered, running or finished

STAGES = ("Unpacking the archive", "Resizing photos", "Writing thumbnails", "Checking the result")


class Job:
    """One job: it makes progress by itself and wakes whoever watches."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(4)
        self.done = 0
        self.total = PHOTOS
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._work())

    @property
    def finished(self) -> bool:
        return self._task.done()

    @property
    def progress(self) -> dict[str, int | str]:
        """How far the job is: photos done, their total, percent (rounded down) and the name of the stage."""
        stage = STAGES[min(self.done * len(STAGES) // self.total, len(STAGES) - 1)]
        percent = self.done * 100 // self.total
        return {"done": self.done, "total": self.total, "percent": percent, "stage": stage}

    async def watch(self) -> AsyncIterator[dict[str, int | str]]:
        """Yield the progress now and after every change, until the job is done.

        A slow watcher skips states instead of queueing them: only the newest one counts.
        """
        while True:
            changed, progress = self._changed, self.progress
            yield progress
            if progress["done"] == self.total:
                return
            await changed.wait()

    async def _work(self) -> None:
        while self.done < self.total:
            await asyncio.sleep(random.uniform(*PHOTO_TIME))
            self.done += 1
            self._changed.set()
            self._changed = asyncio.Event()


class JobBoard:
    """The jobs of this process, at most `JOBS_KEPT` of them."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def start(self) -> Job:
        """Start a job and return it.

        A finished job makes room for it; raises `HTTPError` 503 when all of them still run.
        """
        if len(self._jobs) == JOBS_KEPT:
            oldest = next((job for job in self._jobs.values() if job.finished), None)
            if oldest is None:
                raise HTTPError(503, f"{JOBS_KEPT} jobs are running; wait for one to finish")
            del self._jobs[oldest.id]
        job = Job()
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str) -> Job:
        """Return the job with this id; raises `HTTPError` 404 when there is none."""
        if job_id not in self._jobs:
            raise HTTPError(404, f"there is no job {job_id}")
        return self._jobs[job_id]
