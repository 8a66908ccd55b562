#!/usr/bin/env bash
# NATS with JetStream from Debian, on loopback, for tests and demos.
#   scripts/nats.sh install                      gets Debian's nats-server (2.9.10 in bookworm); needs root
#   scripts/nats.sh start [--port N] [--data D]  starts one and prints its address; data go to a temporary folder unless told otherwise
#   scripts/nats.sh stop [--port N]              ends the one that `start` started at this port, and removes its temporary folder
set -eu -o pipefail
PATH="$PATH:/usr/sbin"

action="${1:-}"
[[ $# -gt 0 ]] && shift
port=4222
data=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --port) port="$2" ;;
    --data) data="$2" ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[[ "$port" =~ ^[0-9]{1,5}$ ]] || { echo "--port: expected a number, got $port" >&2; exit 2; }
place="${TMPDIR:-/tmp}/aep-nats-$(id -u)-$port"

install_server() {
  if command -v nats-server >/dev/null; then
    nats-server --version
    return
  fi
  # The package starts a server of its own at 4222 where systemd runs; nobody asked for that one.
  RUNLEVEL=1 apt-get update -qq
  RUNLEVEL=1 apt-get install -y -qq nats-server >/dev/null
  if [[ -d /run/systemd/system ]]; then systemctl disable --now --quiet nats-server; fi
  nats-server --version
}

start_server() {
  command -v nats-server >/dev/null || { echo 'no nats-server: run scripts/nats.sh install' >&2; exit 1; }
  mkdir -p "$place"
  chmod 700 "$place"
  [[ -n "$data" ]] || data="$place/data"
  nohup nats-server --addr 127.0.0.1 --port "$port" --jetstream --store_dir "$data" >"$place/log" 2>&1 </dev/null &
  echo $! >"$place/pid"
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$(cat "$place/pid")" 2>/dev/null; then
      echo "nats://127.0.0.1:$port"
      return
    fi
    sleep 0.1
  done
  cat "$place/log" >&2
  exit 1
}

stop_server() {
  [[ -f "$place/pid" ]] || { echo "none was started at port $port" >&2; exit 1; }
  local pid
  pid="$(cat "$place/pid")"
  # Only a nats-server: the number may have gone to another process since.
  if [[ "$(cat "/proc/$pid/comm" 2>/dev/null)" == nats-server ]]; then
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  fi
  rm -rf "$place"
}

case "$action" in
  install) install_server ;;
  start) start_server ;;
  stop) stop_server ;;
  *) sed -n '2,5p' "$0" | cut -c3- >&2; exit 2 ;;
esac
