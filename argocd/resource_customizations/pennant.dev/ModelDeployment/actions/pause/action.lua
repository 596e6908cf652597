-- Self-heal takes this back if spec.paused is in Git.
obj.spec.paused = true
return obj
