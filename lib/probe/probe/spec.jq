def kept: . as $all | reduce ("cri.container-type cri.container-name cri.sandbox-id cri.sandbox-name cri.sandbox-namespace cri.sandbox-uid " +
  "cri-o.ContainerType cri-o.ContainerName cri-o.SandboxID cri-o.HostNetwork cri-o.RuntimeHandler " +
  "container.name pod.name pod.namespace pod.uid docker.type sandbox.id" | split(" ")[] | "io.kubernetes." + .) as $key
  ({}; if $all[$key] | type == "string" then .[$key] = $all[$key] else . end);
if .Config then {file: input_filename, annotations: (.Config.Labels // {} | kept), namespaces: [],
  docker: {running: .State.Running, pid: .State.Pid, created: .Created, path: .NetworkSettings.SandboxKey,
    networkMode: (.HostConfig.NetworkMode // (.NetworkSettings.Networks // {} | keys[0]))}}
else {file: input_filename, annotations: (.annotations // {} | kept),
  namespaces: [.linux.namespaces[]? | select(.type == "network" or .type == "pid" or .type == "user")
    | {type, path: (.path // null)}]} end
