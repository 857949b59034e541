#!/usr/bin/env bash
# Install nginx and HAProxy, which tests/deploy starts, from the distribution's packages; nothing is started.
set -euo pipefail
PATH=$PATH:/usr/sbin
missing=()
for name in nginx haproxy; do
  command -v "$name" > /dev/null || missing+=("$name")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0
if [[ $(id -u) -ne 0 ]] || ! command -v apt-get > /dev/null; then
  echo "Please install ${missing[*]}: as root on Debian or Ubuntu this script does it, elsewhere your package manager." >&2
  exit 1
fi
# Tests in two processes may both find that something is missing. One lock for all that install: apt does not wait for that of its lists.
exec 9> "${TMPDIR:-/tmp}/alservice-install.lock"
flock 9
export DEBIAN_FRONTEND=noninteractive
wait=(-o DPkg::Lock::Timeout=300)
apt-get "${wait[@]}" update -qq
# A package's own start of its service would take port 80: RUNLEVEL tells it not to.
RUNLEVEL=1 apt-get "${wait[@]}" install -y -qq --no-install-recommends "${missing[@]}"
