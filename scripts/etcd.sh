#!/usr/bin/env bash
# etcd from Debian, one server on loopback, for tests and demos.
#   scripts/etcd.sh install                      gets Debian's etcd-server (3.4.23 in bookworm); needs root
#   scripts/etcd.sh start [--port N] [--data D]  starts one and prints its address; data go to a temporary folder unless told otherwise
#   scripts/etcd.sh stop [--port N]              ends the one that `start` started at this port, and removes its temporary folder
set -eu -o pipefail

action="${1:-}"
[[ $# -gt 0 ]] && shift
port=2379
data=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --port) port="${2:-}" ;;
    --data) data="${2:-}" ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[[ "$port" =~ ^[0-9]{1,5}$ ]] || { echo "--port: expected a number, got $port" >&2; exit 2; }
place="${TMPDIR:-/tmp}/aep-etcd-$(id -u)-$port"

install_server() {
  if ! command -v etcd >/dev/null; then
    # The package starts a server of its own at 2379 where systemd runs; nobody asked for that one.
    RUNLEVEL=1 apt-get update -qq
    RUNLEVEL=1 apt-get install -y -qq etcd-server >/dev/null
  fi
  etcd --version | head -n 1
}

start_server() {
  command -v etcd >/dev/null || { echo 'no etcd: run scripts/etcd.sh install' >&2; exit 1; }
  mkdir -p "$place"
  chmod 700 "$place"
  [[ -n "$data" ]] || data="$place/data"
  local client="http://127.0.0.1:$port" peer="http://127.0.0.1:$((port + 1))"
  nohup etcd --name one --data-dir "$data" --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "one=$peer" \
    >"$place/log" 2>&1 </dev/null &
  echo $! >"$place/pid"
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$(cat "$place/pid")" 2>/dev/null; then
      echo "etcd://127.0.0.1:$port"
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
  # Only an etcd: the number may have gone to another process since.
  if [[ "$(cat "/proc/$pid/comm" 2>/dev/null)" == etcd ]]; then
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
