#!/usr/bin/env bash
# Install PostgreSQL and PgBouncer, which tests/postgres starts, from the distribution's packages; nothing is started.
set -euo pipefail
PATH=$PATH:/usr/sbin:/usr/local/bin
missing=()
command -v pgbouncer > /dev/null || missing+=(pgbouncer)
command -v postgres > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || missing+=(postgresql)
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
mkdir -p /etc/postgresql-common
grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
  echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
apt-get "${wait[@]}" update -qq
RUNLEVEL=1 apt-get "${wait[@]}" install -y -qq --no-install-recommends "${missing[@]}"
