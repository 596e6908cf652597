-- The actions of a ModelDeployment. undo, retry and restart are annotations, which self-heal does not remove.

local function field(value, name)
  if type(value) == "table" then
    return value[name]
  end
  return nil
end

local status = field(obj, "status")
local history, quarantine = field(status, "history"), field(status, "quarantine")
local paused = field(field(obj, "spec"), "paused") == true

local actions = {}
actions["undo"] = {
  ["disabled"] = paused or field(history, 2) == nil,
  ["displayName"] = "Undo (empty: to the last verified revision)",
  ["iconClass"] = "fa fa-fw fa-undo",
  ["params"] = { { ["name"] = "to" }, { ["name"] = "reason" } },
}
actions["retry"] = {
  ["disabled"] = paused or field(quarantine, 1) == nil,
  ["displayName"] = "Retry a quarantined version (empty: the target version)",
  ["iconClass"] = "fa fa-fw fa-redo",
  ["params"] = { { ["name"] = "version" }, { ["name"] = "reason" } },
}
actions["restart"] = {
  ["disabled"] = paused or field(history, 1) == nil,
  ["displayName"] = "Restart pods",
  ["iconClass"] = "fa fa-fw fa-sync",
  ["params"] = { { ["name"] = "reason" } },
}
actions["pause"] = { ["disabled"] = paused, ["iconClass"] = "fa fa-fw fa-pause-circle" }
actions["resume"] = { ["disabled"] = not paused, ["iconClass"] = "fa fa-fw fa-play-circle" }
return actions
