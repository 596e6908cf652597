"""The README of the chart: a table of the values, from the comments in values.yaml."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

HEAD = """\
<!-- Generated from values.yaml by `python -m pennant_chart --write`. Do not edit. -->
# Chart pennant

{description}

```
helm install pennant charts/pennant --namespace pennant-system --create-namespace
helm test pennant --namespace pennant-system
```

It needs Kubernetes {kubernetes}, and Helm 3 or 4. `helm upgrade` updates the CustomResourceDefinitions, and
`helm uninstall` keeps them (`crds.keep`). Helm refuses unknown and invalid values.

## Monitoring

```
helm upgrade pennant charts/pennant --namespace pennant-system --reset-then-reuse-values \\
  --set serviceMonitor.enabled=true --set serviceMonitor.additionalLabels.release=kube-prometheus-stack \\
  --set prometheusRule.enabled=true --set prometheusRule.additionalLabels.release=kube-prometheus-stack \\
  --set dashboards.enabled=true
```

| dashboard | shows |
|---|---|
| Pennant / Fleet | which version serves where and since when, health, rollouts and rollbacks of all ModelDeployments |
| Pennant / ModelDeployment | versions over time, each metric against its threshold, conditions, rollbacks |
| Pennant / Operator | leader, work queues, errors, latencies, requests to the API server and to the metric sources |

A scrape configuration of your own needs `honor_labels: true`: otherwise the label `namespace` of a ModelDeployment
becomes `exported_namespace`.

## Values

| value | default | meaning |
|---|---|---|
"""


def text(chart: Path) -> str:
    """Return the page."""
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    values = (chart / "values.yaml").read_text()
    root = yaml.compose(values)
    assert isinstance(root, yaml.MappingNode)
    head = HEAD.format(description=about["description"], kubernetes=about["kubeVersion"].removesuffix("-0"))
    return head + "".join(f"{row}\n" for row in _rows(root, values.splitlines(), yaml.safe_load(values)))


def _rows(node: yaml.MappingNode, lines: Sequence[str], values: Any, path: str = "") -> Iterator[str]:
    """Yield a row for each value, and for each section that has a comment."""
    for key, inner in node.value:
        name, value = f"{path}{key.value}", values[key.value]
        comment = _comment(lines, key.start_mark.line)
        section = isinstance(inner, yaml.MappingNode) and inner.value and _is_section(inner, lines)
        if section:
            if comment:
                yield f"| `{name}` | | {comment} |"
            yield from _rows(inner, lines, value, f"{name}.")
        else:
            yield f"| `{name}` | `{json.dumps(value)}` | {comment} |"


def _is_section(node: yaml.MappingNode, lines: Sequence[str]) -> bool:
    """Return whether the first key in it has a comment of its own."""
    return bool(_comment(lines, node.value[0][0].start_mark.line))


def _comment(lines: Sequence[str], line: int) -> str:
    """Return the comment above a line as one sentence after the other; an example in it is indented, and left out."""
    found: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].lstrip().removeprefix("#").removeprefix(" "))
    prose = [each for each in found if not each.startswith(" ")]
    return " ".join(prose).replace("|", "\\|").replace("<", "&lt;")
