#!/usr/bin/env bash
# Builds the image of one Go service, tests it and has it audited. See --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DOCKER=${DOCKER:-docker}
IMGAUDIT=${IMGAUDIT:-imgaudit}
TARGETS="production production-alpine development"

usage() {
    cat <<'TEXT'
Usage: build-go-image.sh SERVICE [TARGET] [VERSION] [options]

  SERVICE   a folder of services/ with go.mod, go.sum and cmd/main.go
  TARGET    production (default: scratch), production-alpine or development
  VERSION   an image tag, also put into the program; default: latest

Options:
  --platform LIST      linux/amd64,linux/arm64 or the like; default: the engine's own
  --upx FLAGS          flags of upx; "" leaves the binary unpacked; default: --best --lzma
  --build-arg K=V      a further build argument, repeatable (GO_IMAGE, ALPINE_IMAGE, GOPROXY, ...)
  --network MODE       network of the build's steps, e.g. host
  --no-cache           build each step anew
  --no-audit           do not call imgaudit
  --metrics FILE       write what was measured as JSON
  --name PREFIX        image names are PREFIX/SERVICE; default: go-services
  --services DIR       where the services are; default: services/ beside the script's folder
  --dockerfile FILE    default: Dockerfile.go beside the script
  --verbose            show all that docker says
  -h, --help           this text

Tags: VERSION and latest; VERSION-alpine and alpine; VERSION-dev and dev. Images for another platform than the
engine's have -ARCHITECTURE behind that.

Environment: DOCKER and IMGAUDIT name those programs, IMGAUDIT_CONFIG the budgets (default: imgaudit.toml beside
services/), GIT_COMMIT the commit, SOURCE_DATE_EPOCH the build date; NO_COLOR turns colours off.

Exit codes: 0 built; 1 the build, the version test or a budget failed; 2 wrong arguments;
3 the service or the Dockerfile is not complete; 4 docker is missing or does not answer.
TEXT
}

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    blue=$'\e[34m' green=$'\e[32m' yellow=$'\e[33m' red=$'\e[31m' bold=$'\e[1m' plain=$'\e[0m'
else
    blue='' green='' yellow='' red='' bold='' plain=''
fi
info() { echo "${blue}info${plain}   $*"; }
ok() { echo "${green}ok${plain}     $*"; }
warn() { echo "${yellow}warn${plain}   $*" >&2; }
step() { echo "${bold}build${plain}  $*"; }
fail() { # CODE MESSAGE [REMEDY]
    echo "${red}error${plain}  $2" >&2
    if [ -n "${3:-}" ]; then echo "       $3" >&2; fi
    exit "$1"
}

# Nothing is left behind, however this ends.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- arguments
words=() build_args=() platforms='' network='' no_cache='' audit=yes metrics='' verbose=''
prefix=go-services services=$here/../services dockerfile=$here/Dockerfile.go
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --no-cache) no_cache=yes ;;
        --no-audit) audit='' ;;
        --verbose) verbose=yes ;;
        --platform | --upx | --build-arg | --network | --metrics | --name | --services | --dockerfile)
            [ $# -ge 2 ] || fail 2 "$1 needs a value" "See --help."
            case $1 in
                --platform) platforms=$2 ;;
                --upx) build_args+=("UPX=$2") ;;
                --build-arg) build_args+=("$2") ;;
                --network) network=$2 ;;
                --metrics) metrics=$2 ;;
                --name) prefix=$2 ;;
                --services) services=$2 ;;
                --dockerfile) dockerfile=$2 ;;
            esac
            shift ;;
        -*) fail 2 "there is no option $1" "See --help." ;;
        *) words+=("$1") ;;
    esac
    shift
done
[ ${#words[@]} -ge 1 ] || fail 2 "which service?" "build-go-image.sh SERVICE [TARGET] [VERSION]; --help says more."
[ ${#words[@]} -le 3 ] || fail 2 "too many arguments: ${words[*]:3}" "See --help."
service=${words[0]} target=${words[1]:-production} version=${words[2]:-latest}

[[ $service =~ ^[a-z0-9]+([._-][a-z0-9]+)*$ ]] ||
    fail 2 "'$service' can't be an image's name" "Small letters and digits, with . _ or - between them."
case " $TARGETS " in
    *" $target "*) ;;
    *) fail 2 "there is no target '$target'" "Targets: ${TARGETS// /, }." ;;
esac
[[ $version =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}$ ]] ||
    fail 2 "'$version' can't be an image's tag" "Letters, digits, _ . and -, up to 101 of them."
[[ $prefix =~ ^[a-z0-9]+([.:/_-]+[a-z0-9]+)*$ ]] || fail 2 "'$prefix' can't begin an image's name" "--name ghcr.io/example"
for argument in "${build_args[@]+"${build_args[@]}"}"; do
    [[ $argument == *=* ]] || fail 2 "--build-arg $argument has no value" "--build-arg NAME=VALUE"
done
platforms=${platforms//,/ }
for platform in $platforms; do
    [[ $platform =~ ^linux/[a-z0-9]+(/v[0-9]+)?$ ]] ||
        fail 2 "'$platform' is no platform" "linux/amd64, linux/arm64 and the like, with commas between them."
done

# --- what must be there
command -v "$DOCKER" >/dev/null || fail 4 "there is no $DOCKER here" "Install Docker, or name its client in DOCKER."
native=$("$DOCKER" version --format '{{.Server.Os}}/{{.Server.Arch}}' 2>"$scratch/docker") ||
    fail 4 "the Docker daemon does not answer: $(tail -n 1 "$scratch/docker")" "Start it, or name another one in DOCKER_HOST."
client=$("$DOCKER" version --format '{{.Client.Version}}')
# Docker 23 moved BuildKit's client to a plugin.
if [ "${client%%.*}" -ge 23 ] && ! "$DOCKER" buildx version >/dev/null 2>&1; then
    fail 4 "$DOCKER $client can't build without its buildx plugin" "Install docker-buildx-plugin."
fi
[ -f "$dockerfile" ] || fail 3 "there is no Dockerfile at $dockerfile" "Name another one with --dockerfile."
grep -qiE "^FROM .+ AS $target *\$" "$dockerfile" ||
    fail 3 "$dockerfile has no stage '$target'" "A line like: FROM scratch AS $target"
folder=$services/$service
[ -d "$folder" ] || fail 3 "there is no service at $folder" "Name the folder that holds the services with --services."
[ -f "$folder/go.mod" ] || fail 3 "$service has no go.mod" "cd $folder && go mod init MODULE && go mod tidy"
[ -f "$folder/cmd/main.go" ] || fail 3 "$service has no cmd/main.go" "Its main package belongs there."
grep -q '^package main' "$folder/cmd/main.go" || fail 3 "$folder/cmd/main.go is not of package main"

# --- the module
module=$(awk '$1 == "module" {print $2; exit}' "$folder/go.mod")
[ -n "$module" ] || fail 3 "$folder/go.mod names no module" "Its first line: module example.com/$service"
direct=$(awk '
    $1 == "require" && $2 == "(" {inside = 1; next}
    inside && $1 == ")" {inside = 0}
    /\/\/ indirect/ || /^[ \t]*\/\// {next}
    inside && NF >= 2 {print $1 " " $2}
    $1 == "require" {print $2 " " $3}' "$folder/go.mod")
count=$(grep -c . <<<"$direct" || true)
if [ "$count" -gt 0 ] && [ ! -f "$folder/go.sum" ]; then
    fail 3 "$service requires modules but has no go.sum to verify them by" "cd $folder && go mod tidy"
fi
info "service $service, target $target, version $version"
info "module $module, $(awk '$1 == "go" {print "go " $2; exit}' "$folder/go.mod"), direct dependencies: $count"
[ "$count" -eq 0 ] || echo "         ${direct//$'\n'/$'\n         '}"

for platform in $platforms; do
    [ "$target" != development ] || [ "$platform" = "$native" ] ||
        fail 2 "development is built for $native only" "Its image runs commands while it is built; no emulation is assumed."
done

# --- labels
if [ -z "${GIT_COMMIT:-}" ]; then
    GIT_COMMIT=$(git -C "$folder" rev-parse --short HEAD 2>/dev/null || echo unknown)
    if [ "$GIT_COMMIT" != unknown ] && [ -n "$(git -C "$folder" status --porcelain -- . 2>/dev/null)" ]; then
        GIT_COMMIT+=-dirty
    fi
fi
format=+%Y-%m-%dT%H:%M:%SZ
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then # as GNU's date reads it, or BSD's
    date=$(date -u -d "@$SOURCE_DATE_EPOCH" "$format" 2>/dev/null || date -u -r "$SOURCE_DATE_EPOCH" "$format")
else
    date=$(date -u "$format")
fi
case $target in
    production) tags=("$version" latest) ;;
    production-alpine) tags=("$version-alpine" alpine) ;;
    development) tags=("$version-dev" dev) ;;
esac

# --- build, test, measure: once a platform
log() { if [ -n "$verbose" ]; then cat >&2; else cat >"$scratch/log"; fi; }

build() { # PLATFORM IMAGE OTHER
    local started=$SECONDS command argument arguments=("VERSION=$version" "GIT_COMMIT=$GIT_COMMIT" "BUILD_DATE=$date")
    # No program of another platform is run, so its packages can't be installed either.
    if [ "$1" != "$native" ]; then arguments+=("ALPINE_RUNTIME=alpine-files"); fi
    arguments+=("${build_args[@]+"${build_args[@]}"}")
    command=("$DOCKER" build --progress plain --platform "$1" --file "$dockerfile" --target "$target" --tag "$2")
    command+=(--tag "$3" --label "org.opencontainers.image.title=$service" ${network:+--network "$network"})
    command+=(${no_cache:+--no-cache})
    for argument in "${arguments[@]}"; do command+=(--build-arg "$argument"); done
    step "$2 for $1"
    if ! DOCKER_BUILDKIT=1 "${command[@]}" "$folder" 2>&1 | log; then
        [ -n "$verbose" ] || tail -n 30 "$scratch/log" >&2
        fail 1 "$2 can't be built; docker's last words are above" "--verbose shows all of them."
    fi
    seconds=$((SECONDS - started))
}

test_version() { # PLATFORM IMAGE
    if [ "$1" != "$native" ]; then
        info "version test: left out, $1 does not run here"
        return
    fi
    local said
    said=$("$DOCKER" run --rm --network none --read-only --cap-drop ALL --entrypoint /app "$2" --version 2>&1) ||
        fail 1 "$2 does not start: $said"
    [ "$(head -n 1 <<<"$said")" = "Version: $version" ] || fail 1 "$2 --version does not say $version: $said"
    ok "version test: $(tr '\n' ' ' <<<"$said")"
}

audited() { # IMAGE: what scanners and layer explorers would be asked for
    local config=${IMGAUDIT_CONFIG:-$services/../imgaudit.toml} code=0
    [ -n "$audit" ] || return 0
    if ! command -v "$IMGAUDIT" >/dev/null; then
        warn "no audit: there is no $IMGAUDIT here (name it in IMGAUDIT, or pass --no-audit)"
    elif [ -f "$config" ] && [ "$target" != development ]; then
        "$IMGAUDIT" check --quiet --config "$config" "$target=docker:$1" || code=$?
    else
        info "audit without budgets: $([ "$target" = development ] && echo "development has none" || echo "no $config")"
        "$IMGAUDIT" inspect --quiet "$target=docker:$1" || code=$?
    fi
    case $code in
        0) ;;
        1) fail 1 "$1 is over a budget of $config" ;;
        *) fail 1 "$1 could not be audited: $IMGAUDIT ended with $code" ;;
    esac
}

rows=() first=''
for platform in ${platforms:-$native}; do
    suffix=''
    [ "$platform" = "$native" ] || suffix=-$(cut -d / -f 2- <<<"$platform" | tr / -)
    image=$prefix/$service:${tags[0]}$suffix
    first=${first:-$image}
    build "$platform" "$image" "$prefix/$service:${tags[1]}$suffix"
    read -r size layers id < <("$DOCKER" image inspect --format '{{.Size}} {{len .RootFS.Layers}} {{.Id}}' "$image")
    ok "built in $seconds s: $image"
    info "size $((size / 1000000)).$(printf %02d $((size % 1000000 / 10000))) MB ($size bytes), layers: $layers"
    test_version "$platform" "$image"
    audited "$image"
    rows+=("$(printf '{"service": "%s", "target": "%s", "version": "%s", "platform": "%s", "image": "%s", "id": "%s", "seconds": %d, "bytes": %d, "layers": %d}' \
        "$service" "$target" "$version" "$platform" "$image" "$id" "$seconds" "$size" "$layers")")
done
if [ -n "$metrics" ]; then
    (IFS=,; printf '[%s]\n' "${rows[*]}") >"$metrics"
    info "metrics: $metrics"
fi

# --- what now
echo
echo "${bold}Next${plain}"
case $target in
    production) cat <<TEXT ;;
  start     $DOCKER run --rm --read-only --cap-drop ALL -p 127.0.0.1:8080:8080 $first
  ask       curl http://127.0.0.1:8080/health
  inside    there is no shell: use the target production-alpine, or docker logs
TEXT
    production-alpine) cat <<TEXT ;;
  start     $DOCKER run --rm --name $service -p 127.0.0.1:8080:8080 $first
  shell     $DOCKER exec -it $service sh
  ask       $DOCKER exec $service wget -qO- http://127.0.0.1:8080/health
TEXT
    development) cat <<TEXT ;;
  start     $DOCKER run --rm -p 127.0.0.1:8080:8080 -p 127.0.0.1:2345:2345 $first
  debug     dlv connect 127.0.0.1:2345, or "Attach to the container" of editors/vscode/launch.json
            Delve's port has no password: publish it on 127.0.0.1 only
TEXT
esac
