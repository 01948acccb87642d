"""`python -m benchmarks`: prepare, measure, write, draw."""

import subprocess
import sys
from pathlib import Path

from benchmarks import environment, machine, report, results
from benchmarks.options import Options, parse_options
from benchmarks.runner import Run


def results_path(options: Options) -> Path:
    """Where this run's results belong: a full run is the record of the machine, any other one is a look."""
    complete = not (options.quick or options.only or options.peers)
    folder = environment.ROOT / "results" if complete or options.render_only else environment.BUILD
    return folder / f"{machine.slug()}.json"


def main() -> int:
    """Runs the benchmark; 0 when it measured, 1 with a message when something is missing."""
    options = parse_options()
    path = results_path(options)
    try:
        python = environment.ensure_peers(environment.find_python(options.python))
        environment.ensure_native()
        if not options.peers or "kito" in options.peers:
            environment.ensure_kito(python)
        if options.setup_only:
            return 0
        document = results.load(path) if options.render_only else Run(options, python).go()
    except (environment.SetupError, machine.NoCores, FileNotFoundError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    results.save(path, document)
    print(report.tables(document))
    subprocess.run([str(python), "-m", "benchmarks.plots", str(path)], cwd=environment.PROJECT, check=True)
    if options.docs and path.parent.name == "results":
        report.write_page(document, environment.PROJECT / "docs" / "benchmarks.md")
    print(f"written: {path.relative_to(environment.PROJECT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
