#!/usr/bin/env bash
# PostgreSQL and PgBouncer for the tests, from the packages of Debian or Ubuntu. Needs root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
# The tests start servers of their own: the packages need not.
mkdir -p /etc/postgresql-common
grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
  echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
apt-get update -q
apt-get install -y -q --no-install-recommends postgresql pgbouncer
