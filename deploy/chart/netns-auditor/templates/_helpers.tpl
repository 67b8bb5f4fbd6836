{{- define "netns-auditor.labels" -}}
app.kubernetes.io/name: netns-auditor
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "netns-auditor.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ .Values.image.repository }}{{ ternary "@" ":" (hasPrefix "sha256:" $tag) }}{{ $tag }}
{{- end }}

{{- define "netns-auditor.claim" -}}
{{ .Values.store.volume.existingClaim | default (printf "%s-store" .Release.Name) }}
{{- end }}

{{- define "netns-auditor.store" -}}
{{- with .Values.store.s3 -}}
{{- if .bucket -}}
s3://{{ .bucket }}{{ with .prefix }}/{{ . }}{{ end }}
{{- else -}}
/store
{{- end -}}
{{- end -}}
{{- end }}

{{/* What all pods of the auditor have: no rights on their node, and nothing to write to but the store and /tmp. */}}
{{- define "netns-auditor.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "netns-auditor.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}
