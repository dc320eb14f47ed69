#!/usr/bin/env bash
# Builds the bench and runs it; see README.md. Usage: bench/run.sh [backup|run|generate|import|budgets|growth|memory|operations|pipelines|planning|storage|trees|upgrade|workers|micro] [options]; without any: the tables of README.md on migration.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

dotnet build bench/Pachyderm.Bench --configuration Release --verbosity quiet --nologo -p:RunAnalyzers=false >&2
bench=bench/Pachyderm.Bench/bin/Release/net10.0/Pachyderm.Bench
if (($#)); then
  exec "$bench" "$@"
fi

"$bench" run --records 1000000 --etcd
"$bench" run --records 10000000
exec "$bench" micro --filter '*'
