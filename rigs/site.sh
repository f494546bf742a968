# Functions of the rigs that are scripts. The rig sets $work, $url and $token, and the process ids $server_pid and $agent_pid.
fail() { echo "VIOLATION $*" >&2; tail -n 20 "$work"/*.log >&2 || true; exit 1; }
until_true() { # SECONDS PROBLEM COMMAND...
  local end=$((SECONDS + $1))
  until "${@:3}" >/dev/null 2>&1; do
    ((SECONDS < end)) || fail "$2 (not within $1 s)"
    [[ -z $server_pid ]] || kill -0 "$server_pid" 2>/dev/null || fail "the server ended"
    [[ -z $agent_pid ]] || kill -0 "$agent_pid" 2>/dev/null || fail "the agent ended"
    sleep 0.1
  done
}
# api METHOD PATH [JSON]: prints the response; ends the rig if its status is not 200.
api() {
  local out
  out=$(curl -sS -w '\n%{http_code}' -X "$1" "$url$2" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' ${3+-d "$3"})
  [[ ${out##*$'\n'} == 200 ]] || fail "$1 $2: ${out%$'\n'*}"
  echo "${out%$'\n'*}"
}
# deploy DIRECTORY: creates, uploads and finalizes a deploy, and leaves its ID in $id.
deploy() {
  local created version
  created=$(api POST "$deploys" '{"type":"DAG_ONLY"}'); id=$(jq -r .id <<<"$created")
  tar -C "$1" -cf "$work/upload.tar" .
  version=$(curl -sS -i -X PUT "$(jq -r .dagsUploadUrl <<<"$created")" -H 'x-ms-blob-type: BlockBlob' --upload-file "$work/upload.tar" |
    tr -d '\r' | sed -n 's/^x-ms-version-id: //p')
  [[ -n $version ]] || fail "the server rejects the upload"
  api POST "$deploys/$id/finalize" "{\"dagTarballVersion\":\"$version\"}" >/dev/null
}
# create_deployment NAME FILE: creates a Deployment and an agent token in the file; sets $deploys, the path of its deploys.
create_deployment() {
  local organization workspace deployment
  organization=$(api GET /v1/organizations | jq -r '.organizations[0].id')
  workspace=$(api GET "/v1/organizations/$organization/workspaces" | jq -r '.workspaces[0].id')
  deployment=$(api POST "/v1/organizations/$organization/deployments" \
    "{\"name\":\"$1\",\"workspaceId\":\"$workspace\",\"isDagDeployEnabled\":true}" | jq -r .id)
  deploys=/v1/organizations/$organization/deployments/$deployment/deploys
  api POST "/v1/organizations/$organization/deployments/$deployment/agent-tokens" "{\"name\":\"$1\"}" | jq -r .token >"$2"
}
# make_versions: creates the directories one and two with two versions of the same DAGs.
make_versions() {
  mkdir -p "$work/one" "$work/two"
  echo 'VALUE = 1' | tee "$work/one/a.py" >"$work/two/b.py"; echo 'VALUE = 2' >"$work/two/a.py"
}
free_port() { local port=$1; while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done; echo "$port"; }
