"""The yardstick of kito: one command measures it beside its peers and a C floor on the machine at hand.

`python -m benchmarks` makes its own virtual environment, builds kito and the C tools, checks that every server sends
the same bytes, measures, and writes `results/<machine>.json`, a table, plots and `docs/benchmarks.md`.

Method in one paragraph: the server is pinned to one core and the load to another; the chief figure is the CPU time
that the kernel charged to all processes and threads of the server, divided by the requests (events, deliveries) that
the load tool counted in the same window; rounds alternate between the servers; medians and spread are shown, and every
row that kito loses.

Rooms: `options` the command line, `environment` what must be installed and built, `machine` where it ran, `payloads`
(in `apps`) and `contract` what must be sent, `scenarios` what is measured, `servers` who is measured, `load` with what,
`accounting` the kernel's clocks and memory, `measure` one cell, `runner` the rounds, `results` the file, `targets` the
bars, `report` and `plots` the pages. `micro` counts instructions.
"""
