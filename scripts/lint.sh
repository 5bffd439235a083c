#!/usr/bin/env bash
# Runs every check that needs no running program, and prints one line for each. It runs all checks, and fails if one fails.
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

check_types() {
    local packages=()
    for name in "$@"; do packages+=(-p "$name"); done
    check "mypy: $*" mypy "${packages[@]}"
}

python_path=$(printf '%s:' docker/*/src docker/code_server/build).
mapfile -t dockerfiles < <(git ls-files -co --exclude-standard '*Dockerfile')
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' docker/bin .ci/run)
mapfile -t yaml < <(git ls-files -co --exclude-standard '*.yml' '*.yaml')

check "ruff check" ruff check .
check "ruff format" ruff format --check .
check_types user_code
check_types dagster_deployment dagster_services dagster_code_server dagster_worker project_build
check_types launch_gateway
check_types login
check_types database_backup
check_types dagster_api dagster_project operate dev bench scripts
check "import-linter" env PYTHONPATH="$python_path" lint-imports
# The deployment also works without the demo.
if [ -d demo ]; then
    check_types demo
    check_types users_api
    check "import-linter: demo" env PYTHONPATH="$python_path:demo/users_api/src" lint-imports --config demo/importlinter.ini
fi
check "hadolint" hadolint "${dockerfiles[@]}"
check "shellcheck" shellcheck "${scripts[@]}"
check "checkov" scripts/scanner/scan.sh
check "yamllint" yamllint --strict "${yaml[@]}"
exit $status
