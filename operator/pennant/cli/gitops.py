"""What takes a change of an object back: a tool that keeps it as it is in Git, or a manifest that is applied again."""

import json
from collections.abc import Mapping

from pennant.api.meta import Json

ARGO_CD = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HELM = "meta.helm.sh/release-name"


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


def applied_tags(raw: Json) -> frozenset[str]:
    """Return the tags that the manifest has that was applied last to a ModelVersion; empty: that is not known.

    Sources: the annotation of `kubectl apply`, and the managed fields. `spec.tags` is atomic, so a server-side apply
    that owns it wrote the present tags.
    """
    metadata, spec = raw.get("metadata") or {}, raw.get("spec") or {}
    try:
        spec = json.loads((metadata.get("annotations") or {})[LAST_APPLIED])["spec"]
    except (KeyError, TypeError, ValueError):
        fields = [(each.get("fieldsV1") or {}) for each in metadata.get("managedFields") or () if _is_apply(each)]
        if not any("f:tags" in each.get("f:spec", {}) for each in fields):
            return frozenset()
    return frozenset(str(each) for each in spec.get("tags") or ()) if isinstance(spec, Mapping) else frozenset()


def _is_apply(entry: Json) -> bool:
    return entry.get("operation") == "Apply"
