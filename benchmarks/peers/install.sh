#!/usr/bin/env bash
# Gets what the peers/ cases compare with: npm packages into this folder, and Debian's redis-server and nats-server when
# they are missing (needs root). A case whose peer is missing says DID NOT RUN; the others run.
set -u -o pipefail
cd "$(dirname "$0")"

failed=0
npm install --no-package-lock --no-audit --no-fund --loglevel=error || failed=1
node -e "new (require('better-sqlite3'))(':memory:').close()" ||
  { echo 'better-sqlite3 has no binary: it needs its prebuilt one, or a C++ compiler and Python (Debian: apt-get install g++ make python3)' >&2; failed=1; }

PATH="$PATH:/usr/sbin"
for server in redis-server nats-server; do
  command -v "$server" >/dev/null && continue
  # RUNLEVEL=1: the package shall not start a server of its own at the default port.
  (RUNLEVEL=1 apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq "$server") >/dev/null ||
    { echo "$server could not be installed (Debian: apt-get install $server, as root)" >&2; failed=1; }
done
exit "$failed"
