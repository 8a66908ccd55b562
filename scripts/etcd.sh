#!/usr/bin/env bash
# etcd from Debian, one server on loopback, for tests and demos.
#   scripts/etcd.sh install                      gets Debian's etcd-server (3.4.23 in bookworm); needs root
#   scripts/etcd.sh start [--port N] [--data D]  starts one and prints its address; data go to a temporary folder unless told otherwise
#   scripts/etcd.sh stop [--port N]              ends the one that `start` started at this port, and removes its temporary folder
set -eu -o pipefail
. "$(dirname "$0")/loopback-server.bash"
name=etcd
process=etcd
port=2379
patience=100

install_server() {
  if ! command -v etcd >/dev/null; then install_packages etcd-server; fi
  etcd --version | head -n 1
}

check_server() {
  command -v etcd >/dev/null || { echo 'no etcd: run scripts/etcd.sh install' >&2; exit 1; }
}

run_server() {
  local client="http://127.0.0.1:$port" peer="http://127.0.0.1:$((port + 1))"
  nohup etcd --name one --data-dir "$data" --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "one=$peer" \
    >"$place/log" 2>&1 </dev/null &
}

main "$@"
