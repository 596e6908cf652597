{{/*
Where the policies apply: (list $ "modelversions"), and with the operation where they are not about writes: (list $
"modelversions" "DELETE"). Writes of a status or of a scale are no change of these objects.
*/}}
{{- define "pennant.governance.constraints" -}}
{{- with (index . 0).Values.namespace }}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ . }}
{{- end }}
resourceRules:
- apiGroups: [pennant.dev]
  apiVersions: [v1alpha1]
  operations: [{{ gt (len .) 2 | ternary (last .) "CREATE, UPDATE" }}]
  resources: [{{ index . 1 }}]
{{- end }}

{{/* The binding by which a policy refuses what is invalid: (list $ $name). */}}
{{- define "pennant.governance.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "pennant.labels" (index . 0) | nindent 4 }}
spec:
  policyName: {{ index . 1 }}
  validationActions: [Deny]
{{- end }}

{{/*
The variables of both policies of one kind. A request is the reason of `due`: these annotations get its user's name. It
must leave the values of `kept` as they are. `found` are all annotations of this sort that it would store.
*/}}
{{- define "pennant.governance.annotations" -}}
- name: before
  expression: "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}"
- name: after
  expression: "has(object.metadata.annotations) ? object.metadata.annotations : {}"
{{- if eq . "modelversions" }}
- name: oldTags
  expression: "oldObject != null && has(oldObject.spec.tags) ? oldObject.spec.tags : []"
- name: tags
  expression: "has(object.spec.tags) ? object.spec.tags : []"
- name: due
  expression: |-
    (oldObject == null ? ["pennant.dev/created-by"] : [])
    + variables.tags.filter(t, !(t in variables.oldTags)).map(t, "tagged-by.pennant.dev/" + t)
- name: kept
  expression: |-
    variables.before.filter(a, !(a in variables.due) && (a == "pennant.dev/created-by"
      || variables.tags.exists(t, a == "tagged-by.pennant.dev/" + t)))
- name: found
  expression: |-
    variables.after.filter(a, a == "pennant.dev/created-by" || a.startsWith("tagged-by.pennant.dev/"))
{{- else }}
- name: aside
  expression: |-
    ["paused", "replicas"]
- name: commands
  expression: |-
    ["rollback-to", "retry", "restart", "requested-at", "requested-by", "reason"].map(c, "pennant.dev/" + c)
- name: due
  expression: |-
    (oldObject == null
      || object.spec.exists(f, !(f in variables.aside) && !(f in oldObject.spec && oldObject.spec[f] == object.spec[f]))
      || oldObject.spec.exists(f, !(f in variables.aside) && !(f in object.spec)) ? ["pennant.dev/changed-by"] : [])
    + ((has(object.spec.paused) && object.spec.paused)
      != (oldObject != null && has(oldObject.spec.paused) && oldObject.spec.paused) ? ["pennant.dev/paused-by"] : [])
    + ((has(object.spec.version) ? object.spec.version : "")
      != (oldObject != null && has(oldObject.spec.version) ? oldObject.spec.version : "")
      ? ["pennant.dev/version-by"] : [])
    + (variables.commands.exists(c, (c in variables.after) != (c in variables.before)
      || (c in variables.after && variables.after[c] != variables.before[c])) ? ["pennant.dev/commanded-by"] : [])
- name: all
  expression: |-
    ["changed-by", "version-by", "paused-by", "commanded-by"].map(a, "pennant.dev/" + a)
- name: kept
  expression: variables.before.filter(a, a in variables.all && !(a in variables.due))
- name: found
  expression: variables.after.filter(a, a in variables.all)
{{- end }}
{{- end }}

{{/* What everybody with a role reads: versions and deployments. */}}
{{- define "pennant.roles.read" }}
- apiGroups: [pennant.dev]
  resources: [modeldeployments, modelversions]
  verbs: [get, list, watch]
- apiGroups: [pennant.dev]
  resources: [modeldeployments/status, modelversions/status, modeldeployments/scale]
  verbs: [get]
{{- end }}

{{/* What happened, and to which pods: the Kubernetes role view has all of it. */}}
{{- define "pennant.roles.readWorkloads" }}
- apiGroups: [apps]
  resources: [controllerrevisions, deployments, replicasets]
  verbs: [get, list, watch]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
{{- end }}
