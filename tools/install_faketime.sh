#!/usr/bin/env bash
# Install libfaketime, with which tests/chaos gives servers a wrong clock, from the distribution's packages.
set -euo pipefail
compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' > /dev/null && exit 0
if [[ $(id -u) -ne 0 ]] || ! command -v apt-get > /dev/null; then
  echo "Please install libfaketime: as root on Debian or Ubuntu this script does it, elsewhere your package manager." >&2
  exit 1
fi
# One lock for all that install: apt does not wait for that of its lists.
exec 9> "${TMPDIR:-/tmp}/alservice-install.lock"
flock 9
export DEBIAN_FRONTEND=noninteractive
wait=(-o DPkg::Lock::Timeout=300)
apt-get "${wait[@]}" update -qq
apt-get "${wait[@]}" install -y -qq --no-install-recommends libfaketime
