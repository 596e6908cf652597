"""Makes the configuration of Argo CD from the Lua files of `argocd/resource_customizations`.

Two forms are made: the keys of the ConfigMap `argocd-cm`, and values of Argo CD's Helm chart, which also have what
`argocd/` adds to the other ConfigMaps of Argo CD.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path("argocd")
CUSTOMIZATIONS = DIRECTORY / "resource_customizations"
CONFIG_MAP = DIRECTORY / "argocd-cm.yaml"
VALUES = DIRECTORY / "helm-values.yaml"
HEADER = "# Generated from {source} by `python -m pennant generate --write`. Do not edit.\n"
OTHERS = {name: DIRECTORY / f"argocd-{name}-cm.yaml" for name in ("rbac", "cmd-params", "notifications")}
"""ConfigMaps that are written by hand, by the part of Argo CD that they are for."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def files(root: Path) -> dict[Path, str]:
    """Return the content of each generated file by its path from `root`, the root of the repository.

    Empty if there is no `argocd/` below `root`, such as in an installation of the package.
    """
    if not (root / CUSTOMIZATIONS).is_dir():
        return {}
    data = customizations(root / CUSTOMIZATIONS)
    metadata = {"name": "argocd-cm", "labels": {"app.kubernetes.io/part-of": "argocd"}}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return {
        CONFIG_MAP: HEADER.format(source=CUSTOMIZATIONS) + _yaml(config_map),
        VALUES: HEADER.format(source="argocd/") + _yaml(_values(root, data)),
    }


def customizations(directory: Path) -> dict[str, str]:
    """Return the data of `argocd-cm` for each kind, from files as Argo CD's own repository has them."""
    data = {}
    for kind in sorted(each for each in directory.glob("*/*") if each.is_dir()):
        key = f"{kind.parent.name}_{kind.name}"
        data[f"resource.customizations.health.{key}"] = (kind / "health.lua").read_text()
        discovery = kind / "actions" / "discovery.lua"
        if discovery.exists():
            definitions = [
                {"name": each.parent.name, "action.lua": each.read_text()}
                for each in sorted(discovery.parent.glob("*/action.lua"))
            ]
            actions = {"discovery.lua": discovery.read_text(), "definitions": definitions}
            data[f"resource.customizations.actions.{key}"] = _yaml(actions)
    return data


def _values(root: Path, data: Mapping[str, str]) -> dict[str, Any]:
    """Return values of Argo CD's Helm chart with the same content as the ConfigMaps."""
    others = {name: yaml.safe_load((root / path).read_text())["data"] for name, path in OTHERS.items()}
    notifications = {
        f"{kind}s": {name: text for name, text in others["notifications"].items() if name.startswith(f"{kind}.")}
        for kind in ("trigger", "template")
    }
    configs = {"cm": dict(data), "rbac": others["rbac"], "params": others["cmd-params"]}
    return {"configs": configs, "notifications": notifications}


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
