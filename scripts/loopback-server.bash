# Sourced by the scripts that get a server from Debian and run one on loopback. They set
#   name        of the server in addresses and paths
#   process     as the system calls it: a process id may have gone to another process since
#   port        where it listens unless told otherwise
#   patience    how long a start may take, in tenths of a second
# and define
#   install_server   gets it, and prints its version
#   check_server     says what to do and fails when it is not installed
#   run_server       runs it in the background with its output in "$place/log": at "$port", its data in "$data"

parse_arguments() {
  action="${1:-}"
  data=''
  [[ $# -gt 0 ]] && shift
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
  place="${TMPDIR:-/tmp}/aep-$name-$(id -u)-$port"
}

# The package would start a server of its own where systemd runs; nobody asked for that one.
install_packages() {
  RUNLEVEL=1 apt-get update -qq
  RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

start_server() {
  check_server
  mkdir -p "$place"
  chmod 700 "$place"
  [[ -n "$data" ]] || data="$place/data"
  mkdir -p "$data"
  run_server
  echo $! >"$place/pid"
  for _ in $(seq "$patience"); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$(cat "$place/pid")" 2>/dev/null; then
      echo "$name://127.0.0.1:$port"
      return
    fi
    kill -0 "$(cat "$place/pid")" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$place/log" >&2
  exit 1
}

stop_server() {
  [[ -f "$place/pid" ]] || { echo "none was started at port $port" >&2; exit 1; }
  local pid
  pid="$(cat "$place/pid")"
  if [[ "$(cat "/proc/$pid/comm" 2>/dev/null)" == "$process" ]]; then
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  fi
  rm -rf "$place"
}

main() {
  parse_arguments "$@"
  case "$action" in
    install) install_server ;;
    start) start_server ;;
    stop) stop_server ;;
    *) sed -n '2,5p' "$0" | cut -c3- >&2; exit 2 ;;
  esac
}
