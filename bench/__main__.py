"""`python -m bench [SCENARIO ...]`: run benchmarks, print their figures, and write docs/performance.md."""

import argparse
import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.page import write_page
from bench.peer import crds
from bench.results import Result, Results, joined, machine
from bench.run import Run, Scenario
from bench.scenarios import SCENARIOS


def parser() -> argparse.ArgumentParser:
    listed = "\n".join(
        f"  {each.name:<13} {each.about}\n"
        + "".join(
            f"{'':<16}{name}={size.full}, quick {size.quick}: {size.means}\n" for name, size in each.sizes.items()
        )
        for each in SCENARIOS.values()
    )
    found = argparse.ArgumentParser(
        prog="python -m bench",
        description="Benchmarks of the operator on a real control plane, each beside its floor in the same run.",
        epilog=f"scenarios and their sizes:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="what to run; default: all")
    found.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    found.add_argument("--size", action="append", default=[], metavar="NAME=N", help="another size, such as moves=500")
    found.add_argument("-o", "--output", choices=["table", "json"], default="table")
    found.add_argument("--peer", type=Path, metavar="PATH", help="rollouts-controller of Argo Rollouts, for storm")
    found.add_argument(
        "--from", dest="sources", type=Path, nargs="+", default=[], metavar="FILE", help="read the JSON of runs instead"
    )
    found.add_argument("--write", action="store_true", help="write docs/performance.md and its plots as well")
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Run, print and write; return 1 where a scenario failed or was interrupted."""
    arguments = parser().parse_args(words)
    try:
        chosen, others = _chosen(arguments.scenarios), _sizes(arguments.size)
        _check_sizes(chosen, others)
        if arguments.write and arguments.quick:
            raise ValueError("--write: docs/performance.md has figures of full sizes: leave out --quick")
        if arguments.peer is not None:
            crds(arguments.peer)
        read = [Results.from_json(json.loads(each.read_text())) for each in arguments.sources]
        known = joined(read) if read else None
    except ValueError as error:
        parser().error(str(error))
    results = known or _measured(chosen, others, arguments.quick, arguments.peer)
    print(json.dumps(results.to_json(), indent=1) if arguments.output == "json" else results.text())
    if arguments.write:
        for path in write_page(results):
            print(f"wrote {path}", file=sys.stderr)
    return int(any(each.ended for each in results.results))


def _chosen(names: Sequence[str]) -> list[Scenario]:
    if unknown := [each for each in names if each not in SCENARIOS]:
        raise ValueError(f"there is no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    return [SCENARIOS[each] for each in names or SCENARIOS]


def _sizes(words: Sequence[str]) -> dict[str, int]:
    found = {}
    for each in words:
        name, _, number = each.partition("=")
        if not number.isdecimal() or int(number) == 0:
            raise ValueError(f"--size {each}: write a name and a number above 0, such as moves=500")
        found[name] = int(number)
    return found


def _check_sizes(scenarios: Sequence[Scenario], others: Mapping[str, int]) -> None:
    known = {name for each in scenarios for name in each.sizes}
    if unknown := others.keys() - known:
        raise ValueError(f"--size: there is no size {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")


def _measured(scenarios: Sequence[Scenario], others: Mapping[str, int], quick: bool, peer: Path | None) -> Results:
    """Run all scenarios; one that fails does not stop the others, and Ctrl-C ends the run with what is there."""
    results = Results(machine())
    for scenario in scenarios:
        sizes = {name: others.get(name, each.quick if quick else each.full) for name, each in scenario.sizes.items()}
        result, run = Result(scenario.name, scenario.about, sizes), Run(scenario.name, sizes, peer)
        results.results.append(result)
        try:
            for figure in scenario.measure(run):
                result.figures.append(figure)
        except KeyboardInterrupt:
            result.ended = "interrupted"
            run.say("interrupted; here is what is done so far")
            break
        except Exception as error:
            # An hour of other figures must not be lost with it.
            traceback.print_exc()
            result.ended = f"{type(error).__name__}: {error}"
            run.say("failed; the others go on")
    return results


if __name__ == "__main__":
    sys.exit(main())
