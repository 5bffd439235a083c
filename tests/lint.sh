#!/usr/bin/env bash
# Every check that needs no running program, each in its own line; all of them run, then the first failure counts.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
PATH=$PWD/.venv/bin:$PATH
status=0

check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then echo "ok   $name"; else
        status=1
        printf 'FAIL %s\n%s\n' "$name" "$output"
    fi
}

mapfile -t dockerfiles < <(git ls-files -co --exclude-standard '*Dockerfile')
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run)
mapfile -t yaml < <(git ls-files -co --exclude-standard '*.yml' '*.yaml')

check "ruff check" ruff check .
check "ruff format" ruff format --check .
check "mypy: code location" mypy user_code/src
check "mypy: operate, bench, evaluation" mypy operate bench evaluation
check "mypy: images" mypy docker/user_code docker/dagster/generate_secrets.py docker/dagster/keep_secret.py docker/dagster/migrate.py docker/dagster/run_grants.py docker/dagster/tick_indexes.py docker/dagster/audit.py docker/dagster/container_run_launcher.py docker/dagster/same_origin.py docker/dagster/webserver.py
check "mypy: users_api" mypy -p users_api
check "mypy: login" mypy -p login
check "mypy: launch_gateway" mypy -p launch_gateway
check "import-linter" lint-imports
check "hadolint" hadolint "${dockerfiles[@]}"
check "shellcheck" shellcheck "${scripts[@]}"
check "checkov" tests/scanner/scan.sh
check "yamllint" yamllint --strict "${yaml[@]}"
exit $status
