-- A command: its annotation replaces that of an earlier one, and the time makes it a new one.
local os = require("os")
local params = actionParams or {}
local annotations = obj.metadata.annotations or {}
obj.metadata.annotations = annotations
annotations["pennant.dev/rollback-to"] = nil
annotations["pennant.dev/retry"] = nil
annotations["pennant.dev/restart"] = nil
annotations["pennant.dev/retry"] = params["version"] or ""
local requested_at = os.date("!%Y-%m-%dT%XZ")
if annotations["pennant.dev/requested-at"] == requested_at then
  -- Two commands in one second.
  requested_at = requested_at .. "-2"
end
annotations["pennant.dev/requested-at"] = requested_at
annotations["pennant.dev/requested-by"] = "argocd"
annotations["pennant.dev/reason"] = nil
if params["reason"] ~= nil and params["reason"] ~= "" then
  annotations["pennant.dev/reason"] = params["reason"]
end
return obj
