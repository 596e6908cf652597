-- Health of a ModelDeployment. Its conditions follow kstatus: Reconciling and Stalled are True in abnormal states only.
-- With the annotation `pennant.dev/healthy-when: Verified` it is Healthy only when the serving revision is verified.

local function field(value, name)
  if type(value) == "table" then
    return value[name]
  end
  return nil
end

local function text(value)
  if type(value) == "string" or type(value) == "number" then
    return tostring(value)
  end
  return ""
end

local metadata = field(obj, "metadata")
local status = field(obj, "status")
local listed = field(status, "conditions")
local not_observed = { status = "Progressing", message = "Waiting for Pennant to observe the ModelDeployment" }
if type(listed) ~= "table" then
  return not_observed
end
-- The conditions describe an older spec.
if field(status, "observedGeneration") ~= field(metadata, "generation") then
  return not_observed
end

local conditions = {}
for _, condition in ipairs(listed) do
  local kind = field(condition, "type")
  if kind ~= nil then
    conditions[kind] = condition
  end
end

local function is(kind, wanted)
  return field(conditions[kind], "status") == wanted
end

local function health(status_name, kind)
  local reason, message = text(field(conditions[kind], "reason")), text(field(conditions[kind], "message"))
  if reason ~= "" then
    message = reason .. ": " .. message
  end
  return { status = status_name, message = message }
end

if is("Stalled", "True") then
  return health("Degraded", "Stalled")
end
if is("RolledBack", "True") then
  return health("Degraded", "RolledBack")
end
if is("Suspended", "True") then
  if is("MetricsHealthy", "False") then
    return health("Degraded", "MetricsHealthy")
  end
  if is("Available", "False") and field(conditions["Available"], "reason") == "PodsUnavailable" then
    return health("Degraded", "Available")
  end
  return health("Suspended", "Suspended")
end
if is("Reconciling", "True") then
  return health("Progressing", "Reconciling")
end

-- Like a Deployment, it is Healthy without replicas.
if is("Ready", "True") or field(conditions["Ready"], "reason") == "ScaledToZero" then
  if field(field(metadata, "annotations"), "pennant.dev/healthy-when") == "Verified" and not is("Verified", "True") then
    return health("Progressing", "Verified")
  end
  local message = text(field(conditions["Ready"], "message"))
  if is("Ready", "True") and is("MetricsHealthy", "Unknown") then
    message = message .. ". Its metrics are unknown: " .. text(field(conditions["MetricsHealthy"], "message"))
  end
  return { status = "Healthy", message = message }
end
if is("Ready", "False") then
  return health("Degraded", "Ready")
end
return not_observed
