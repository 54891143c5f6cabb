"""Write a generated trial: ``python -m nirls.simulate --study nir-rls --out data/nir-rls``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nirls.simulate.config import Trial
from nirls.simulate.export import export

STUDIES = {"nir-rls": Trial()}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nirls.simulate", description=__doc__)
    parser.add_argument("--study", choices=sorted(STUDIES), default="nir-rls", help="which trial to make")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; it is made when absent")
    options = parser.parse_args(arguments)
    for name, records in export(STUDIES[options.study], options.out).items():
        print(f"{name:16s} {records:6d} records")
    return 0


if __name__ == "__main__":
    sys.exit(main())
