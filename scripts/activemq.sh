#!/usr/bin/env bash
# ActiveMQ Classic from Debian with a STOMP connector, on loopback, for tests and demos.
#   scripts/activemq.sh install                      gets Debian's activemq (5.17.2 in bookworm) and a headless JRE; needs root
#   scripts/activemq.sh start [--port N] [--data D]  starts one and prints its address; data go to a temporary folder unless told otherwise
#   scripts/activemq.sh stop [--port N]              ends the one that `start` started at this port, and removes its temporary folder
set -eu -o pipefail
config="$(cd "$(dirname "$0")/.." && pwd)/packages/brokers/config"
jar=/usr/share/activemq/bin/activemq.jar

action="${1:-}"
[[ $# -gt 0 ]] && shift
port=61613
data=''
while [[ $# -gt 0 ]]; do
  [[ $# -gt 1 ]] || { echo "$1 needs a value" >&2; exit 2; }
  case "$1" in
    --port) port="$2" ;;
    --data) data="$2" ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[[ "$port" =~ ^[0-9]{1,5}$ ]] || { echo "--port: expected a number, got $port" >&2; exit 2; }
place="${TMPDIR:-/tmp}/aep-activemq-$(id -u)-$port"

install_broker() {
  if [[ ! -f "$jar" ]] || ! command -v java >/dev/null; then
    # The package would start an instance of its own, with OpenWire and without STOMP; nobody asked for that one.
    RUNLEVEL=1 apt-get update -qq
    RUNLEVEL=1 apt-get install -y -qq --no-install-recommends activemq default-jre-headless >/dev/null
  fi
  dpkg-query -W -f '${Package} ${Version}\n' activemq
}

start_broker() {
  [[ -f "$jar" ]] && command -v java >/dev/null || { echo 'no ActiveMQ: run scripts/activemq.sh install' >&2; exit 1; }
  mkdir -p "$place"
  chmod 700 "$place"
  [[ -n "$data" ]] || data="$place/base"
  mkdir -p "$data"
  nohup java -Xmx256m -XX:+UseSerialGC -Dlog4j.configuration="file:$config/log4j.properties" \
    -Dactivemq.home=/usr/share/activemq -Dactivemq.base="$data" -Dactivemq.conf="$data" \
    -Daep.port="$port" -Daep.storeMb=1024 -Daep.memoryMb=64 \
    -jar "$jar" start "xbean:file:$config/activemq.xml" >"$place/log" 2>&1 </dev/null &
  echo $! >"$place/pid"
  for _ in $(seq 600); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$(cat "$place/pid")" 2>/dev/null; then
      echo "activemq://127.0.0.1:$port"
      return
    fi
    kill -0 "$(cat "$place/pid")" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$place/log" >&2
  exit 1
}

stop_broker() {
  [[ -f "$place/pid" ]] || { echo "none was started at port $port" >&2; exit 1; }
  local pid
  pid="$(cat "$place/pid")"
  # Only a java: the number may have gone to another process since.
  if [[ "$(cat "/proc/$pid/comm" 2>/dev/null)" == java ]]; then
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  fi
  rm -rf "$place"
}

case "$action" in
  install) install_broker ;;
  start) start_broker ;;
  stop) stop_broker ;;
  *) sed -n '2,5p' "$0" | cut -c3- >&2; exit 2 ;;
esac
