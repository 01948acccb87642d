"""Micro benchmarks: instructions that kito executes, counted by callgrind, so that two commits compare exactly.

`python -m benchmarks.micro` (also `make bench-micro`) runs `subject` under valgrind and prints instructions per
request, chunk, event, delivery and route match; it fails when one is more than 3 % over `budget.json`, which `--update`
rewrites.

Every part runs twice, N and 2N times, in a process without garbage collection and with a fixed hash seed; the
difference of the two is N times the part, and start-up, imports and caches cancel out. A real `Http1Connection` serves
real requests over a transport that throws everything away, so what is counted is kito, httptools and the interpreter,
not the kernel.
"""
