{{- define "fdfs.name" -}}
{{- printf "%s" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "fdfs.labels" -}}
app.kubernetes.io/name: fdfs
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Lines that name all trackers. */}}
{{- define "fdfs.trackers" -}}
{{- $name := include "fdfs.name" . -}}
{{- range $i := until (int .Values.tracker.replicas) }}
tracker_server = {{ $name }}-tracker-{{ $i }}.{{ $name }}-tracker.{{ $.Release.Namespace }}.svc:22122
{{- end }}
{{- end -}}
