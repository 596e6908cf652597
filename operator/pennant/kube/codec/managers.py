"""Which tool keeps an object as it is in a manifest, and would create it again."""

from collections.abc import Mapping

from pennant.api.meta import Json

ARGO_CD = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
HELM = "meta.helm.sh/release-name"
TOOLS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "helm": "Helm",
}
"""Field managers of tools that apply manifests again and again, or delete what left them."""


def tracked_by(raw: Json) -> str:
    """Return the tool and its object that manage this one, such as `Argo CD (application shop)`; empty: none is known.

    Sources: Argo CD's resource tracking (annotation `tracking-id` is `<application>:<group>/<kind>:...`, or a label),
    Flux' labels of Kustomization and HelmRelease, Helm's release annotations.
    """
    metadata = raw.get("metadata") or {}
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    for name in ARGO_CD:
        if found := annotations.get(name) or labels.get(name):
            return f"Argo CD (application {found.partition(':')[0]})"
    for name, kind in zip(FLUX, ("Kustomization", "HelmRelease"), strict=True):
        if found := labels.get(name):
            return f"Flux ({kind} {found})"
    if found := annotations.get(HELM):
        return f"Helm (release {found})"
    return ""


def manager_of(raw: Json) -> str:
    """Return what would create an object again, or deletes it by itself; empty: nothing that is known.

    That is the tool of `tracked_by`, a tool among the field managers, or an owner. A field manager counts alone: with
    some settings Argo CD and Flux leave no mark in labels and annotations.
    """
    if found := tracked_by(raw):
        return found
    metadata = raw.get("metadata") or {}
    managers = (TOOLS.get(str(each.get("manager"))) for each in metadata.get("managedFields") or ())
    if tool := next((each for each in managers if each), None):
        return tool
    owner = next(iter(metadata.get("ownerReferences") or ()), None)
    return f"{owner.get('kind')} {owner.get('name')}" if isinstance(owner, Mapping) else ""
