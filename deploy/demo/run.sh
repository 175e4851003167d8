#!/usr/bin/env bash
# Runs Ausguck and the code agent until Ctrl-C. `make demo` builds everything and calls this script. If a Docker engine
# responds, the code agent runs in containers, discovered by their labels; otherwise it runs as a process. Data is kept in
# data/demo or $DEMO_DATA. The UI listens on $DEMO_ADDRESS, by default 127.0.0.1:3000.
set -euo pipefail
cd "$(dirname "$0")/../.."
address=${DEMO_ADDRESS:-127.0.0.1:3000}
data=${DEMO_DATA:-data/demo}
mkdir -p "$data"

names=(agent-stand-ins agent-adapter agent-llm-patch agent-orchestrator agent-gateway)
image=ausguck-codeagent
agent=

stop() {
	if [ -n "$agent" ]; then kill "$agent" 2>/dev/null || true; wait "$agent" 2>/dev/null || true; fi
	if [ "$mode" = containers ]; then
		docker rm --force "${names[@]}" >/dev/null 2>&1 || true
		docker network rm code-agent-demo >/dev/null 2>&1 || true
	fi
}

# container NAME PORT VARIABLE...
container() {
	local name=$1 port=$2 env=()
	shift 2
	for v in "$@"; do env+=(--env "$v"); done
	docker run --detach --name "agent-$name" --network code-agent-demo "${env[@]}" \
		--label prometheus.io/scrape=true --label "prometheus.io/port=$port" --label "prometheus.io/job=$name" \
		"$image" "$name" >/dev/null
}

mode=process
alert='the alert LanguageModelFails fires after two minutes'
if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
	mode=containers
	for name in "${names[@]}"; do
		if docker inspect "$name" >/dev/null 2>&1; then
			echo "A container $name is there already; the demo does not touch it. Remove it: docker rm --force $name" >&2
			exit 1
		fi
	done
fi
trap stop EXIT
trap 'exit 0' INT TERM

if [ "$mode" = containers ]; then
	tar --create --directory bin codeagent | docker import --change 'ENTRYPOINT ["/codeagent"]' - "$image" >/dev/null
	docker network create code-agent-demo >/dev/null
	container stand-ins 7070 ADO_PASSWORD=demo
	container adapter 7072 ADO_URL=http://agent-stand-ins:7070/azure-devops-stand-in
	container llm-patch 7073 LLM_URL=http://agent-stand-ins:7070/model-stand-in/v1
	container orchestrator 7071 QUEUE_DIR=/data
	container gateway 3001 QUEUE_DIR=/data ADO_PASSWORD=demo
	alert='the alert DemoJobsFail fires after a minute'
	stand_ins=http://$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' agent-stand-ins):7070
else
	DEMO_DIR=$data/codeagent bin/codeagent demo >>"$data/codeagent.log" 2>&1 &
	agent=$!
	stand_ins=http://127.0.0.1:7070
	echo "No Docker engine answers: the code agent runs as a process, and the panel about containers stays empty."
	echo "Its logs: $data/codeagent.log"
fi

cat <<EOF
Dashboards        http://$address/   user admin, password demo (or GF_SECURITY_ADMIN_PASSWORD)
A failure         curl -X POST '$stand_ins/failure?for=5m'      $alert
A slow spell      curl -X POST '$stand_ins/slow-spell?for=5m'
Ctrl-C ends it.
EOF
GF_SECURITY_ADMIN_PASSWORD=${GF_SECURITY_ADMIN_PASSWORD:-demo} bin/ausguck --config.dir="deploy/demo/$mode" \
	--storage.path="$data/ausguck" --web.listen-address="$address" >>"$data/ausguck.log" 2>&1 &
ausguck=$!
trap 'kill "$ausguck" 2>/dev/null || true; wait "$ausguck" || true; exit 0' INT TERM
wait "$ausguck" || { echo "Ausguck ended, see $data/ausguck.log:" >&2; tail -n 3 "$data/ausguck.log" >&2; exit 1; }
