"""The dashboards of the chart, and the queries in them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chart.rendering import CHART

DASHBOARDS: list[Any] = [json.loads(path.read_text()) for path in sorted((CHART / "files" / "dashboards").iterdir())]
_VALUES = re.compile(r"label_values\((?P<series>.*), (?P<label>\w+)\)")


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a panel, of an annotation or of a variable."""

    dashboard: str
    where: str
    expr: str
    instant: bool = False
    legend: str = ""
    table: bool = False
    of_variable: bool = False

    def __str__(self) -> str:
        return f"{self.dashboard}, {self.where}"

    def sent(self, variables: Mapping[str, str]) -> str:
        """Return the query as Grafana sends it, with these values of variables."""
        return re.sub(r"\$\{?(\w+)\}?", lambda found: variables[found.group(1)], self.expr)


def queries(dashboard: Any) -> Iterator[Query]:
    """Yield all queries of a dashboard."""
    title = dashboard["title"]
    for each in dashboard["templating"]["list"]:
        if each["type"] == "query":
            match = _VALUES.fullmatch(each["query"]["query"])
            assert match, each["query"]
            # The variable has a value for each series of this query.
            expr = f"group by ({match['label']}) ({match['series']})"
            yield Query(title, f"variable {each['name']}", expr, instant=True, of_variable=True)
    for each in dashboard["annotations"].get("list", ()):
        assert each["expr"] == each["target"]["expr"]
        yield Query(title, f"annotation {each['name']}", each["expr"])
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield Query(
                title,
                f"panel {panel['title']} {target['refId']}",
                target["expr"],
                target.get("instant", False),
                target["legendFormat"],
                target.get("format") == "table",
            )
