{{- define "pennant.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Carries the release's name, so that two releases have no object in common. */}}
{{- define "pennant.fullname" -}}
{{- $name := include "pennant.name" . -}}
{{- $own := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{ .Values.fullnameOverride | default $own | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "pennant.selectorLabels" -}}
{{ include "pennant.instanceLabels" . }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Of the pod of `helm test`, which is no replica. */}}
{{- define "pennant.testLabels" -}}
{{ include "pennant.instanceLabels" . }}
app.kubernetes.io/component: test
{{- end }}

{{- define "pennant.instanceLabels" -}}
app.kubernetes.io/name: {{ include "pennant.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pennant.labels" -}}
{{ include "pennant.selectorLabels" . }}
{{ include "pennant.commonLabels" . }}
{{- end }}

{{- define "pennant.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: pennant
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "pennant.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "pennant.fullname" .) }}
{{- else -}}
{{ required "serviceAccount.name must be set where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "pennant.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* Fails if the cluster does not have the API of the Prometheus operator: (list $ "serviceMonitor"). */}}
{{- define "pennant.requireMonitoringApi" -}}
{{- if not ((index . 0).Capabilities.APIVersions.Has "monitoring.coreos.com/v1") -}}
{{- fail (printf "%s: the cluster does not have the API monitoring.coreos.com/v1: install the Prometheus operator first, or add --api-versions monitoring.coreos.com/v1 to helm template" (index . 1)) -}}
{{- end -}}
{{- end }}

{{/* The endpoint of a ServiceMonitor or PodMonitor. */}}
{{- define "pennant.scrapedEndpoint" -}}
- port: metrics
  # The label `namespace` of a ModelDeployment must not become that of the operator's pod.
  honorLabels: true
  {{- with .interval }}
  interval: {{ . }}
  {{- end }}
  {{- with .scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
{{- end }}

{{/* The labels of an object, with those of a value: (list $ .Values.serviceMonitor.additionalLabels "serviceMonitor.additionalLabels"). */}}
{{- define "pennant.labelsWith" -}}
{{- $labels := include "pennant.labels" (index . 0) | fromYaml -}}
{{- $value := index . 2 -}}
{{- range $name, $_ := index . 1 -}}
{{- if hasKey $labels $name -}}
{{- fail (printf "%s: %s is set by the chart" $value $name) -}}
{{- end -}}
{{- end -}}
{{- merge $labels (index . 1) | toYaml -}}
{{- end }}
