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

{{/* The pod of a command that speaks to the cluster. Takes a list: the chart, the container's name, its arguments. */}}
{{- define "netns-auditor.pod" -}}
{{- $name := index . 1 -}}
{{- $args := index . 2 -}}
{{- with index . 0 -}}
metadata:
  labels: {{- include "netns-auditor.labels" . | nindent 4 }}
    app.kubernetes.io/component: {{ $name }}
  annotations:
    cluster-autoscaler.kubernetes.io/safe-to-evict: 'false'
spec:
  serviceAccountName: {{ .Release.Name }}
  restartPolicy: Never
  securityContext: {{- include "netns-auditor.podSecurity" . | nindent 4 }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ $name }}
      image: {{ include "netns-auditor.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: {{- $args | nindent 8 }}
        - --kubeconfig=/etc/netns-audit/kubeconfig
        - --store={{ include "netns-auditor.store" . }}
        {{- if .Values.destinations }}
        - --alerts=/etc/netns-audit/netns-audit.yaml
        {{- end }}
        - --image={{ .Values.probe.image }}
        {{- with .Values.probe.pullSecret }}
        - --pull-secret={{ . }}
        {{- end }}
        - --deadline={{ .Values.probe.deadline }}
      env:
        - { name: HOME, value: /tmp }
        # Messages name the log of this pod.
        - { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
        - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
        {{- if .Values.caCertificates }}
        - { name: NODE_EXTRA_CA_CERTS, value: /etc/netns-audit/ca.pem }
        {{- end }}
        {{- with .Values.store.s3 }}
        {{- if .bucket }}
        - { name: AWS_REGION, value: {{ .region | quote }} }
        {{- with .endpoint }}
        - { name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }} }
        {{- end }}
        {{- end }}
        {{- end }}
      {{- with .Values.secretName }}
      envFrom:
        - secretRef: { name: {{ . | quote }} }
      {{- end }}
      resources: {{- toYaml .Values.resources | nindent 8 }}
      securityContext: {{- include "netns-auditor.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - { name: config, mountPath: /etc/netns-audit, readOnly: true }
        - { name: tmp, mountPath: /tmp }
        {{- if not .Values.store.s3.bucket }}
        - { name: store, mountPath: /store }
        {{- end }}
  volumes:
    - name: config
      configMap: { name: {{ .Release.Name | quote }} }
    - name: tmp
      emptyDir: {}
    {{- if not .Values.store.s3.bucket }}
    - name: store
      persistentVolumeClaim: { claimName: {{ include "netns-auditor.claim" . | quote }} }
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The schedule, if Kubernetes takes it: else the release would fail halfway. */}}
{{- define "netns-auditor.schedule" -}}
{{- $months := splitList " " "none jan feb mar apr may jun jul aug sep oct nov dec" -}}
{{- $days := splitList " " "sun mon tue wed thu fri sat" -}}
{{- $fields := list
  (list "minute" "[0-5]?\\d" list)
  (list "hour" "([01]?\\d|2[0-3])" list)
  (list "day of the month" "(0?[1-9]|[12]\\d|3[01])" list)
  (list "month" "(0?[1-9]|1[0-2])" $months)
  (list "day of the week, which is 0 to 6" "[0-6]" $days)
-}}
{{- if not (hasPrefix "@" .) -}}
{{- range $index, $given := regexSplit " +" . -1 -}}
{{- $name := index $fields $index 0 -}}
{{- $value := index $fields $index 1 -}}
{{- $numbers := lower $given -}}
{{- range $number, $word := index $fields $index 2 -}}
{{- $numbers = regexReplaceAll (printf "(^|[,-])%s\\b" $word) $numbers (printf "${1}%d" $number) -}}
{{- end -}}
{{- $item := printf "([*?]|%s(-%s)?)(/[1-9]\\d*)?" $value $value -}}
{{- if not (regexMatch (printf "^%s(,%s)*$" $item $item) $numbers) -}}
{{- fail (printf "schedule: %q is not a valid %s" $given $name) -}}
{{- end -}}
{{- range regexFindAll "\\d+-\\d+" $numbers -1 -}}
{{- $ends := splitList "-" . -}}
{{- if gt (atoi (first $ends)) (atoi (last $ends)) -}}
{{- fail (printf "schedule: %q is not a valid %s: a range cannot end before it starts" $given $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ . | quote }}
{{- end }}

{{/* The name of a CronJob, if Kubernetes takes it. Takes a list: the chart, what the name ends with. */}}
{{- define "netns-auditor.cronJobName" -}}
{{- $release := (index . 0).Release.Name -}}
{{- $name := print $release (index . 1) -}}
{{- /* 63 characters, less the 11 that a CronJob adds for its Jobs. */ -}}
{{- if gt (len $name) 52 -}}
{{- $most := sub 52 (len (index . 1)) -}}
{{- fail (printf "The release name %s is too long: choose one of at most %d characters" $release $most) -}}
{{- end -}}
{{ $name }}
{{- end }}
