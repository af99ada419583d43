#!/usr/bin/env bash
# Makes a project with `raijin new` as its users do, builds it, and tries what a person would: train, look at the configuration, resume, predict, search, test.
# The project references this clone's projects. Needs no network beyond what a restore needs.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Inside the artifacts folder, so that outputs can be hard links into the package cache; the project's own Directory.Build files cut it off from the repository's.
work=$repository/artifacts/check-new
rm -rf "$work"
mkdir -p "$work"
printf "root = true\n" > "$work/.editorconfig" # nor its editor settings
trap 'rm -rf "$work"' EXIT

dotnet run -c Release --project "$repository/src/Raijin.Cli" -- new "$work/my-digits" --json | tail -n 1 | grep -q '"name":"MyDigits"'
cd "$work/my-digits"

dotnet run -c Release -- fit --config config.yaml --json > fit.out || { cat fit.out; exit 1; }
tail -n 1 fit.out | grep -Eq '"val/accuracy": ?0\.9[5-9]' || { echo "fit: $(tail -n 1 fit.out)"; exit 1; }
app=$(find artifacts/bin -name mydigits -type f | head -n 1)
check() { # text expected, arguments
    local said
    said=$("$app" "${@:2}" 2>&1) || { echo "${*:2}: failed: $said"; exit 1; }
    [[ $said == *"$1"* ]] || { echo "${*:2}: expected $1; said: $said"; exit 1; }
    echo "mydigits ${*:2}"
}
check "Units of the hidden layer" fit --help
check "hidden: 128" config print
check '"description": "Units of the hidden layer."' config schema
check "no problem found" config validate config.yaml
check "Trained" fit --resume --trainer.maxEpochs 21
check "test/accuracy" test
check "Wrote" predict --to answers.npy
check "Train with the best" tune --config search.yaml --trials 2 --trainer.maxEpochs 1
check "Ready to train" doctor
dotnet run --project tests > tests.out || { cat tests.out; exit 1; }
echo "new: a project that builds, trains, resumes, predicts, searches and passes its test"
