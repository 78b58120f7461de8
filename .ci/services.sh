#!/usr/bin/env bash
#
# Installs the servers that the tests run against, or says which are missing and how to install them.
#
# As root or with a sudo that asks no password, on Debian and its like, it installs them; nothing is started as a
# service. Elsewhere it prints one command and ends with 0, or with 1 where CI is set, because there a test that is
# skipped would pass for one that succeeded. Does nothing but look when everything is there.

set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/sbin:/sbin"

python="${PYTHON:-.venv/bin/python}"
oldest_node=20

has_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null; }

has_samba() {
    command -v samba >/dev/null && [ -d /usr/share/samba/setup ] && compgen -G '/usr/lib/*/samba/ldb/samldb.so' >/dev/null
}

has_node() {
    local version
    version="$(node --version 2>/dev/null)" || return 1
    version="${version#v}"
    [ "${version%%.*}" -ge "$oldest_node" ]
}

missing_packages() {
    has_postgresql || echo postgresql
    command -v slapd >/dev/null || echo slapd
    has_samba || printf '%s\n' samba-ad-dc samba-ad-provision
    command -v ldapmodify >/dev/null || echo ldap-utils
    command -v redis-server >/dev/null || echo redis-server
    has_node || echo nodejs
    command -v npm >/dev/null || echo npm
    command -v chromium >/dev/null || echo chromium
    command -v yubiserver >/dev/null || echo yubiserver
}

in_ci() { case "${CI:-}" in '' | 0 | false) return 1 ;; esac }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# Debian starts a server when it is installed unless this policy says no (invoke-rc.d(8), exit status 101).
policy=/usr/sbin/policy-rc.d
forbid_starting() {
    [ -e "$policy" ] && return
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

install_packages() {
    forbid_starting
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get -q -o DPkg::Lock::Timeout=120 update
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "$@"
}

say_what_is_missing() {
    echo "Not installed, so the tests that need them are skipped: $*" >&2
    echo "Install them with:" >&2
    echo "    sudo apt-get install --no-install-recommends $*" >&2
    case " $* " in
        *' nodejs '*) echo "Node.js must be $oldest_node or newer: Debian 13 has it, for others see nodejs.org." >&2 ;;
    esac
}

complete=yes
mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -gt 0 ] && may_install; then
    echo "Installing ${missing[*]}"
    install_packages "${missing[@]}" || echo "apt-get could not install all of them" >&2
    mapfile -t missing < <(missing_packages)
fi
if [ "${#missing[@]}" -gt 0 ]; then
    say_what_is_missing "${missing[@]}"
    complete=no
fi

# `npm ci --ignore-scripts` in a folder outside the package, once per lock file.
if has_node && command -v npm >/dev/null; then
    "$python" - <<'PYTHON' || complete=no
import sys

from onegov_auth.testing.servers import ServerMissingError
from onegov_auth.testing.servers.npm import install

try:
    install()
except ServerMissingError as error:
    sys.exit(f"The tests against an OpenID provider are skipped: {error}")
PYTHON
fi

if [ "$complete" = no ] && in_ci; then
    exit 1
fi
