{{- define "alservice.labels" -}}
app.kubernetes.io/name: alservice
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "alservice.pod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "alservice.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  {{- with $root.Values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ $root.Release.Name }}
  automountServiceAccountToken: false
  # The variables that tell of Services begin with our prefix if one is called alservice.
  enableServiceLinks: false
  # Balancers are told, then running calls may end, then what is left gets a few seconds.
  terminationGracePeriodSeconds: {{ add $root.Values.preStopSeconds $root.Values.graceSeconds 20 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: alservice
      image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      envFrom:
        - secretRef: {name: {{ $root.Values.existingSecret }}}
      env:
        - {name: ALSERVICE_ROLE, value: {{ .role }}}
        - {name: ALSERVICE_GRACE_S, value: {{ $root.Values.graceSeconds | quote }}}
        - {name: ALSERVICE_OBJECTS, value: {{ required "objects: say s3://bucket/prefix" $root.Values.objects | quote }}}
        - {name: ALSERVICE_CACHE_BYTES, value: {{ int64 $root.Values.cache.bytes | quote }}}
        {{- if $root.Values.tls.secretName }}
        - {name: ALSERVICE_TLS_CERT, value: /tls/tls.crt}
        - {name: ALSERVICE_TLS_KEY, value: /tls/tls.key}
        {{- else }}
        - {name: ALSERVICE_INSECURE, value: "true"}
        {{- end }}
        {{- range $name, $value := $root.Values.env }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
      ports:
        - {name: grpc, containerPort: 50051}
        - {name: http, containerPort: 8080}
      # Kubernetes' gRPC probes speak no TLS: with a certificate the HTTP port is asked.
      {{- $probe := dict "grpc" (dict "port" 50051) }}
      {{- if $root.Values.tls.secretName }}
      {{- $probe = dict "httpGet" (dict "port" "http" "path" "/healthz") }}
      {{- end }}
      startupProbe: {{- merge (dict "periodSeconds" 2 "failureThreshold" 60) $probe | toYaml | nindent 8 }}
      readinessProbe: {{- merge (dict "periodSeconds" 2 "failureThreshold" 2) $probe | toYaml | nindent 8 }}
      # Not health: a process that drains must not be killed for it.
      livenessProbe:
        tcpSocket: {port: http}
        periodSeconds: 10
        failureThreshold: 6
      lifecycle:
        preStop:
          exec: {command: [sleep, {{ $root.Values.preStopSeconds | quote }}]}
      resources: {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        {{- if $root.Values.tls.secretName }}
        - {name: tls, mountPath: /tls, readOnly: true}
        {{- end }}
  volumes:
    - name: data
      emptyDir: {sizeLimit: {{ div (mul (int64 $root.Values.cache.bytes) 5) 4 | quote }}}
    - name: tmp
      emptyDir: {}
    {{- if $root.Values.tls.secretName }}
    - name: tls
      secret: {secretName: {{ $root.Values.tls.secretName }}}
    {{- end }}
  {{- with $root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "alservice.labels" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .role }}
{{- end }}
