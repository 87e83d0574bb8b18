{{/* Name of every object: the release's, with the chart's unless it holds it. */}}
{{- define "newswire-topics.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name is the release's, so releases in one namespace select their own pods. */}}
{{- define "newswire-topics.selectorLabels" -}}
app.kubernetes.io/name: {{ include "newswire-topics.name" . }}
app.kubernetes.io/component: service
{{- end -}}

{{- define "newswire-topics.labels" -}}
{{ include "newswire-topics.selectorLabels" . }}
app.kubernetes.io/part-of: {{ .Chart.Name }}
{{- end -}}

{{- define "newswire-topics.metadata" -}}
name: {{ include "newswire-topics.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "newswire-topics.labels" . | nindent 2 }}
{{- end -}}

{{- define "newswire-topics.claim" -}}
{{- .Values.bundle.existingClaim | default (printf "%s-bundles" (include "newswire-topics.name" .)) -}}
{{- end -}}

{{/* A number of the values is a float, which would be written as 1e+06. */}}
{{- define "newswire-topics.setting" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Constraint that spreads the pods of each ReplicaSet separately. */}}
{{- define "newswire-topics.spread" -}}
- topologyKey: {{ .key }}
  maxSkew: 1
  whenUnsatisfiable: {{ .mode }}
  {{- if eq .mode "DoNotSchedule" }}
  nodeTaintsPolicy: Honor
  {{- end }}
  labelSelector:
    matchLabels:
      {{- include "newswire-topics.selectorLabels" .root | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end -}}
