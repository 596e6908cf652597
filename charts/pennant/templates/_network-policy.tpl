{{/* What a policy permits beyond its pods: these ports, of these peers or of all: (list $ports $peers). */}}
{{- define "pennant.egressRule" -}}
- ports:
  {{- range index . 0 }}
  - port: {{ int . }}
  {{- end }}
  {{- with index . 1 }}
  to:
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* What every pod of the chart needs, by the values of networkPolicy. */}}
{{- define "pennant.usualEgress" -}}
# DNS.
- ports:
  - {port: 53, protocol: UDP}
  - {port: 53, protocol: TCP}
  {{- with .dnsTo }}
  to:
  {{- toYaml . | nindent 2 }}
  {{- end }}
# The API server.
{{ include "pennant.egressRule" (list .apiServerPorts .apiServerTo) }}
{{- end }}
