#!/usr/bin/env bash
# ActiveMQ Classic from Debian with a STOMP connector, on loopback, for tests and demos.
#   scripts/activemq.sh install                      gets Debian's activemq (5.17.2 in bookworm) and a headless JRE; needs root
#   scripts/activemq.sh start [--port N] [--data D]  starts one and prints its address; data go to a temporary folder unless told otherwise
#   scripts/activemq.sh stop [--port N]              ends the one that `start` started at this port, and removes its temporary folder
set -eu -o pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/loopback-server.bash"
name=activemq
process=java
port=61613
patience=600
config="$here/../packages/brokers/config"
jar=/usr/share/activemq/bin/activemq.jar

install_server() {
  if [[ ! -f "$jar" ]] || ! command -v java >/dev/null; then install_packages activemq default-jre-headless; fi
  dpkg-query -W -f '${Package} ${Version}\n' activemq
}

check_server() {
  [[ -f "$jar" ]] && command -v java >/dev/null || { echo 'no ActiveMQ: run scripts/activemq.sh install' >&2; exit 1; }
}

run_server() {
  nohup java -Xmx256m -XX:+UseSerialGC -Dlog4j.configuration="file:$config/log4j.properties" \
    -Dactivemq.home=/usr/share/activemq -Dactivemq.base="$data" -Dactivemq.conf="$data" \
    -Daep.port="$port" -Daep.storeMb=1024 -Daep.memoryMb=64 \
    -jar "$jar" start "xbean:file:$config/activemq.xml" >"$place/log" 2>&1 </dev/null &
}

main "$@"
