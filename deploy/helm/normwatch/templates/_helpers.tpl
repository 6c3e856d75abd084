{{/* The release's name, with the chart's where it does not say it; at most 52 characters, so that a pod's labels hold it. */}}
{{- define "normwatch.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "normwatch.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "normwatch.labels" -}}
{{ include "normwatch.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Refuses what would not run, or would lose data, before anything is installed. */}}
{{- define "normwatch.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.database.existingSecret) }}
{{- fail "replicas must be 0 or 1 without a database: a volume belongs to one process. For several servers, name a Secret in database.existingSecret." }}
{{- end }}
{{- if not (or .Values.persistence.enabled .Values.database.existingSecret) }}
{{- fail "persistence.enabled is false and database.existingSecret is empty: the data would end with the pod. Set one of them." }}
{{- end }}
{{- range $name, $_ := .Values.settings }}
{{- if has $name (list "NORMWATCH_TOKEN" "NORMWATCH_DATABASE_URL" "NORMWATCH_SMTP_URL" "NORMWATCH_OIDC_CLIENT_SECRET") }}
{{- fail (printf "settings.%s would be readable by everybody who sees this release: put it into a Secret and name that in token, database or extraEnv." $name) }}
{{- end }}
{{- if has $name (list "NORMWATCH_HOST" "NORMWATCH_PORT" "NORMWATCH_DATA" "NORMWATCH_SOCKET" "NORMWATCH_TLS_CERT" "NORMWATCH_TLS_KEY") }}
{{- fail (printf "settings.%s is decided by the chart, whose service, volume and probes rest on it." $name) }}
{{- end }}
{{- end }}
{{- if .Values.ingress.enabled }}
{{- if not .Values.ingress.host }}{{ fail "ingress.host is empty: name the host that browsers ask for." }}{{ end }}
{{- if not .Values.ingress.trustedProxies }}
{{- fail "ingress.trustedProxies is empty: name the networks of the ingress controller's pods, such as [10.244.0.0/16]; otherwise the server takes all people for one, and refuses sign-ins over TLS." }}
{{- end }}
{{- range list "NORMWATCH_BASE_PATH" "NORMWATCH_PUBLIC_URL" "NORMWATCH_TRUST_PROXY" }}
{{- if hasKey $.Values.settings . }}{{ fail (printf "settings.%s is decided by ingress." .) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
