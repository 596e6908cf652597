{{/* The operator's file of metric sources. */}}
{{- define "pennant.metricSources.file" -}}
{{- if not .Values.metricSources -}}
sources: {}
{{- else -}}
sources:
{{- range $name, $source := .Values.metricSources }}
{{- if and $source.bearerToken $source.basicAuth }}
{{- fail (printf "metricSources.%s: set at most one of bearerToken and basicAuth" $name) }}
{{- end }}
  {{ $name | quote }}:
    {{- /* Every setting but credentials and certificates, which become files. */}}
    {{- with omit $source "bearerToken" "basicAuth" "ca" "secretHeaders" }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if $source.bearerToken }}
    bearerTokenFile: /etc/pennant/{{ $name }}/token
    {{- end }}
    {{- with $source.basicAuth }}
    basicAuth:
      username: {{ .username | quote }}
      passwordFile: /etc/pennant/{{ $name }}/password
    {{- end }}
    {{- with $source.secretHeaders }}
    headerFiles:
      {{- range $header, $from := . }}
      {{ $header | quote }}: /etc/pennant/{{ $name }}/headers/{{ $header }}
      {{- end }}
    {{- end }}
    {{- if $source.ca }}
    caFile: /etc/pennant/{{ $name }}/ca.crt
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What is mounted at /etc/pennant: the file, and beside it the credentials that it names. */}}
{{- define "pennant.metricSources.volume" -}}
- configMap:
    name: {{ include "pennant.fullname" . }}-metric-sources
{{- with .Values.alertWebhook.token.secretKeyRef }}
{{ include "pennant.mounted" (list . "secret" "alert-webhook.token") }}
{{- end }}
{{- range $name, $source := .Values.metricSources }}
{{- with $source.bearerToken }}
{{ include "pennant.mounted" (list .secretKeyRef "secret" (printf "%s/token" $name)) }}
{{- end }}
{{- with $source.basicAuth }}
{{ include "pennant.mounted" (list .password.secretKeyRef "secret" (printf "%s/password" $name)) }}
{{- end }}
{{- range $header, $from := $source.secretHeaders }}
{{ include "pennant.mounted" (list $from.secretKeyRef "secret" (printf "%s/headers/%s" $name $header)) }}
{{- end }}
{{- with ($source.ca).secretKeyRef }}
{{ include "pennant.mounted" (list . "secret" (printf "%s/ca.crt" $name)) }}
{{- end }}
{{- with ($source.ca).configMapKeyRef }}
{{ include "pennant.mounted" (list . "configMap" (printf "%s/ca.crt" $name)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pennant.mounted" -}}
{{- $reference := index . 0 -}}
- {{ index . 1 }}:
    name: {{ $reference.name | quote }}
    items:
    - key: {{ $reference.key | quote }}
      path: {{ index . 2 | quote }}
{{- end }}

{{/* The ports in the URLs, as a JSON array. */}}
{{- define "pennant.metricSources.ports" -}}
{{- $ports := list }}
{{- range .Values.metricSources }}
{{- $url := urlParse .url }}
{{- $default := eq $url.scheme "https" | ternary "443" "80" }}
{{- $ports = append $ports (regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $default | int) }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}
