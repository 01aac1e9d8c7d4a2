#!/usr/bin/env bash
# Installs what `npm run conformance` compares with, by apt: redis-server with its check tools, redis-cli, tclsh for Redis's own suite, RocksDB's tools;
# memcached and libmemcached's tools, and perl for memcached's own suite.
# Says what it left out. The suites themselves are fetched by hand (their licences are their own, no file of them belongs here):
#   git clone --depth 1 --branch 7.2.4 https://github.com/redis/redis /somewhere
#   git clone --depth 1 --branch 1.6.18 https://github.com/memcached/memcached /elsewhere
#   npm run conformance -- --suite /somewhere --memcached-suite /elsewhere
# The tests that pymemcache brings need pytest: pip install pymemcache pytest.
set -u

missing=()
have() { command -v "$1" >/dev/null 2>&1; }
have redis-server || missing+=(redis-server)
have redis-cli || missing+=(redis-tools)
have tclsh || missing+=(tcl)
have ldb || missing+=(rocksdb-tools)
have memcached || missing+=(memcached)
have memccapable || missing+=(libmemcached-tools)
have perl || missing+=(perl)

if [ ${#missing[@]} -eq 0 ]; then
  echo "all there: $(redis-server --version | cut -d' ' -f1-3), redis-cli, tclsh, ldb, $(memcached -V), memccapable, perl"
  exit 0
fi
if ! have apt-get; then
  echo "skipped: no apt-get here; install by hand: ${missing[*]}" >&2
  exit 1
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! have sudo; then
    echo "skipped: neither root nor sudo; install by hand: ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi
# Installing must not start the system's own redis-server: nothing here uses it. Debian asks this file, if there is one.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null && "${root[@]}" chmod 755 "$policy"
  trap '"${root[@]}" rm -f "$policy"' EXIT
fi
"${root[@]}" apt-get update -qq &&
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"

left=()
have redis-server || left+=('redis-server: differential and exchange will be skipped')
have redis-check-aof || left+=('redis-check-aof: the files will not be checked by it')
have ldb || left+=('ldb, sst_dump: tables will not be checked by RocksDB')
have tclsh || left+=("tclsh: Redis's own suite will be skipped")
have memcached || left+=('memcached: the streams will not be compared with it')
have memccapable || left+=("memccapable: libmemcached's checks will be skipped")
have perl || left+=("perl: memcached's own suite will be skipped")
if [ ${#left[@]} -gt 0 ]; then
  printf 'skipped: %s\n' "${left[@]}" >&2
  exit 1
fi
echo "installed: ${missing[*]}"
