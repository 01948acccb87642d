"""`python -m benchmarks`: prepare, measure, write, draw."""

import subprocess
import sys
from pathlib import Path

from benchmarks import environment, machine, report, results
from benchmarks.options import Options, parse_options
from benchmarks.runner import Run

RECORD = environment.ROOT / "results"


def results_path(options: Options) -> Path:
    """Where this run's results belong: a full run is the record of the machine, any other one is a look."""
    partial = options.quick or options.peers or (options.only and not options.update)
    folder = environment.BUILD if partial and not options.render_only else RECORD
    return folder / f"{machine.slug()}.json"


def measure(options: Options, python: Path, path: Path) -> dict[str, object]:
    """Runs, and keeps what an update leaves alone."""
    document = Run(options, python).go()
    return results.merge(results.load(path), document) if options.update and path.exists() else document


def draw(document: dict[str, object], python: Path, path: Path) -> None:
    """Prints the tables, draws the plots, and renders the page when the record has changed."""
    print(report.tables(document))
    subprocess.run([str(python), "-m", "benchmarks.plots", str(path)], cwd=environment.PROJECT, check=True)
    if path.parent == RECORD:
        report.write_page(document, path, environment.PROJECT / "docs" / "benchmarks.md")
    print(f"written: {path.relative_to(environment.PROJECT)}", file=sys.stderr)


def main() -> int:
    """Runs the benchmark; 0 when it measured, 1 with a message when something is missing."""
    options = parse_options()
    path = results_path(options)
    try:
        python = environment.ensure_peers(environment.find_python(options.python))
        if options.render_only:
            draw(results.load(path), python, path)
            return 0
        environment.ensure_native()
        environment.ensure_certificate()
        if not options.peers or "kito" in options.peers:
            environment.ensure_kito(python)
        if options.setup_only:
            return 0
        document = measure(options, python, path)
    except (environment.SetupError, machine.NoCores, FileNotFoundError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    results.save(path, document)
    draw(document, python, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
