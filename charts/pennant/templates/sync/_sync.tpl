{{- define "pennant.sync.name" -}}
{{ include "pennant.fullname" . | trunc 58 | trimSuffix "-" }}-sync
{{- end }}

{{- define "pennant.sync.selectorLabels" -}}
{{ include "pennant.instanceLabels" . }}
app.kubernetes.io/component: sync
{{- end }}

{{- define "pennant.sync.labels" -}}
{{ include "pennant.sync.selectorLabels" . }}
{{ include "pennant.commonLabels" . }}
{{- end }}

{{- define "pennant.sync.serviceAccountName" -}}
{{- with .Values.sync.serviceAccount -}}
{{- if .create -}}
{{ .name | default (include "pennant.sync.name" $) }}
{{- else -}}
{{ required "sync.serviceAccount.name must be set where sync.serviceAccount.create is false" .name }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The file of `pennant sync`: credentials and secrets of webhooks become files. */}}
{{- define "pennant.sync.file" -}}
resyncSeconds: {{ .Values.sync.resyncSeconds }}
registries:
{{- range .Values.sync.registries }}
{{- if and $.Values.namespace (ne .namespace $.Values.namespace) }}
{{- fail (printf "sync.registries: %s has the namespace %s, and the operator manages only %s (namespace)" .name .namespace $.Values.namespace) }}
{{- end }}
-
  {{- omit . "credentials" "webhook" | toYaml | nindent 2 }}
  {{- if .credentials }}
  credentialsDirectory: /etc/pennant-credentials/{{ .name }}
  {{- end }}
  {{- if .webhook }}
  webhookSecretFile: /etc/pennant/webhooks/{{ .name }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Whether a registry has a webhook: true, or empty. */}}
{{- define "pennant.sync.hasWebhooks" -}}
{{- range .Values.sync.registries }}{{ if .webhook }}true{{ end }}{{ end }}
{{- end }}

{{/* The ports of the registries, as a JSON array. */}}
{{- define "pennant.sync.ports" -}}
{{- $ports := list }}
{{- range .Values.sync.registries }}
{{- $address := .address | default "" }}
{{- $port := 443 }}
{{- if regexMatch "^https?://" $address }}
{{- $url := urlParse $address }}
{{- $port = regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "https" | ternary "443" "80") | int }}
{{- end }}
{{- $ports = append $ports $port }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}
