"""For people: ``python -m nirls check | where | list | compare | schemas | environment``."""

from __future__ import annotations

import argparse
import sys

from nirls.errors import NirlsError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nirls", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in {
        "check": "check the configuration and the raw files of a study",
        "where": "say where the report of a study is",
        "list": "list the analyses and displays of a study",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("study", nargs="?", help="folder of config/studies; default: the study of config.yaml")
    commands.add_parser("schemas", help="rewrite workflow/schemas and config/README.md from the models")
    commands.add_parser("environment", help="rewrite environment.yml from pyproject.toml")
    comparison = commands.add_parser("compare", help="list where two files of analysis results data differ (exit status 1 if they do)")
    comparison.add_argument("base", help="ard/<analysis>.parquet of one run, such as the last data cut")
    comparison.add_argument("other", help="the same file of another run")
    options = parser.parse_args(arguments)
    try:
        return run(options)
    except NirlsError as error:
        print(error, file=sys.stderr)
        return 1


def run(options: argparse.Namespace) -> int:
    """Carry out a parsed command."""
    from pathlib import Path

    if options.command == "schemas":
        from nirls.plan.docs import write_docs

        print("\n".join(write_docs(Path("."))))
        return 0
    if options.command == "environment":
        from nirls.environment import write_environment

        write_environment(Path("."))
        return 0
    if options.command == "compare":
        from nirls.ard.compare import compare_ard
        from nirls.ard.io import read_ard

        differences = compare_ard(read_ard(options.base), read_ard(options.other))
        print("no differences" if differences.empty else differences.loc[:, (differences != "").any()].to_string(index=False))
        return int(not differences.empty)
    from nirls.plan.load import load_plan
    from nirls.workflow import Targets

    if options.command == "where":
        print(f"\nThe report: {Path(Targets(plan=load_plan(options.study)).report).resolve()}")
        return 0
    targets = Targets.load({"study": options.study} if options.study else {})
    plan = targets.plan
    if options.command == "check":
        from nirls.workflow import rules_check

        rules_check(plan)
        print(
            f"{plan.name}: the configuration and the headers of {len(targets.raw)} raw files are in order; "
            f"{len(plan.analyses)} analyses, {len(plan.displays.displays)} displays"
        )
    else:
        for name, analysis in plan.analyses.items():
            print(f"{name:24} {analysis.method:10} {analysis.label}")
        for name, display in plan.displays.displays.items():
            print(f"{name:24} {display.kind:10} {display.title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
