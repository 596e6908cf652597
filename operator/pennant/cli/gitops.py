"""What takes a change of an object back: a tool that keeps it as it is in Git, or a manifest that is applied again."""

import json
from collections.abc import Mapping

from pennant.api.meta import Json

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


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
