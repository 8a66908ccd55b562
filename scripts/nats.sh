#!/usr/bin/env bash
# NATS with JetStream from Debian, on loopback, for tests and demos.
#   scripts/nats.sh install                      gets Debian's nats-server (2.9.10 in bookworm); needs root
#   scripts/nats.sh start [--port N] [--data D]  starts one and prints its address; data go to a temporary folder unless told otherwise
#   scripts/nats.sh stop [--port N]              ends the one that `start` started at this port, and removes its temporary folder
set -eu -o pipefail
. "$(dirname "$0")/loopback-server.bash"
PATH="$PATH:/usr/sbin"
name=nats
process=nats-server
port=4222
patience=100

install_server() {
  if ! command -v nats-server >/dev/null; then
    install_packages nats-server
    if [[ -d /run/systemd/system ]]; then systemctl disable --now --quiet nats-server; fi
  fi
  nats-server --version
}

check_server() {
  command -v nats-server >/dev/null || { echo 'no nats-server: run scripts/nats.sh install' >&2; exit 1; }
}

run_server() {
  nohup nats-server --addr 127.0.0.1 --port "$port" --jetstream --store_dir "$data" >"$place/log" 2>&1 </dev/null &
}

main "$@"
