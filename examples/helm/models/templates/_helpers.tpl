{{/* Labels of every object: {{ include "models.labels" (dict "root" $ "model" "fraud") }} */}}
{{- define "models.labels" -}}
app.kubernetes.io/name: {{ .model }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* The tags of one version, as JSON: {{ include "models.tags" (dict "tags" $model.tags "version" "1.0.0") }} */}}
{{- define "models.tags" -}}
{{- $found := list }}
{{- range $tag, $version := .tags }}
{{- if eq $version $.version }}{{ $found = append $found $tag }}{{ end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* Fails if a tag names a version that is not there: {{ include "models.check" (dict "name" "fraud" "model" $model) }} */}}
{{- define "models.check" -}}
{{- $there := list }}
{{- range .model.versions }}{{ $there = append $there .version }}{{ end }}
{{- range $tag, $version := .model.tags }}
{{- if not (has $version $there) }}
{{- fail (printf "models.%s.tags.%s is %s, and models.%s.versions has only %s" $.name $tag $version $.name (join ", " $there)) }}
{{- end }}
{{- end }}
{{- end }}
