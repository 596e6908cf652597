-- Health of a ModelVersion: whether its record is valid. A version that failed somewhere stays Healthy, because its record
-- is valid: the ModelDeployments that quarantine it are Degraded.

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

local function list(value)
  if type(value) == "table" then
    return value
  end
  return {}
end

local status = field(obj, "status")
local not_observed = { status = "Progressing", message = "Waiting for Pennant to read the record" }
if field(status, "observedGeneration") ~= field(field(obj, "metadata"), "generation") then
  return not_observed
end
for _, condition in ipairs(list(field(status, "conditions"))) do
  if field(condition, "type") == "Ready" then
    local message = text(field(condition, "message"))
    if field(condition, "status") == "False" then
      return { status = "Degraded", message = text(field(condition, "reason")) .. ": " .. message }
    end
    if field(condition, "status") == "True" then
      local failures = {}
      for _, each in ipairs(list(field(status, "quarantinedBy"))) do
        table.insert(failures, "quarantined by " .. text(field(each, "deployment")) .. ": " .. text(field(each, "message")))
      end
      if failures[1] ~= nil then
        message = table.concat(failures, "; ")
      end
      return { status = "Healthy", message = message }
    end
  end
end
return not_observed
