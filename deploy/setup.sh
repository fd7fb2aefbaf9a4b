#!/bin/sh
# Set everything up that Musevault needs on Debian 12; safe to repeat, quick when there is nothing to do.
# Usage: deploy/setup.sh run|test
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-run}
begin=$(date +%s)
worked=

# Packages of the distribution ------------------------------------------------------------------------------------
wanted=$(cat deploy/debian-packages.txt)
[ "$purpose" = run ] || wanted="$wanted $(cat deploy/debian-packages-test.txt)"
missing=
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case $state in ii*) ;; *) missing="$missing $package" ;; esac
done
if [ -n "$missing" ]; then
    install="apt-get update && apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" = 0 ]; then as_root=sh
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root="sudo sh"
    else
        echo "set-up needs Debian packages; run as root: $install" >&2
        exit 1
    fi
    worked=yes
    echo "installing$missing"
    DEBIAN_FRONTEND=noninteractive $as_root -c "export DEBIAN_FRONTEND=noninteractive; { $install; } >/dev/null" || {
        echo "these packages cannot be installed; run as root: $install" >&2
        exit 1
    }
fi

# Python environment, pinned by the lock file -----------------------------------------------------------------------
python=${PYTHON:-python3}
pip=".venv/bin/python -m pip install -qq --disable-pip-version-check --no-input"
digest=$( (pwd; cat requirements.lock pyproject.toml) | sha256sum | cut -c1-16) # an environment cannot be moved
if [ ! -f ".venv/.$digest" ]; then
    worked=yes
    echo "making the Python environment"
    rm -f .venv/.[0-9a-f]*
    "$python" -m venv --clear .venv
    $pip -r requirements.lock
    $pip --no-deps --no-build-isolation --editable .
    touch ".venv/.$digest"
fi

# Data packages -----------------------------------------------------------------------------------------------------
digest=$(sha256sum deploy/data-packages.txt | cut -c1-16)
if [ ! -f "data/.$digest" ]; then
    worked=yes
    echo "fetching the data packages"
    rm -rf data data.new
    $pip --no-deps --no-compile --target data.new -r deploy/data-packages.txt
    mv data.new data
    touch "data/.$digest"
fi

[ -z "$worked" ] || echo "set up in $(($(date +%s) - begin)) s"
