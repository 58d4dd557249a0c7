#!/usr/bin/env bash
# Builds one stage of one service's image, with checks before and figures after. See --help.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVICES_DIR=${SERVICES_DIR:-$HERE/../../services}
IMAGE_PREFIX=${IMAGE_PREFIX:-bulletproof}
MAX_CONTEXT_MB=${MAX_CONTEXT_MB:-50}
DOCKER=${DOCKER:-docker}
STAGES="base development builder production"

usage() {
    cat <<EOF
Usage: build-go-service.sh SERVICE [STAGE] [docker build options...]
       build-go-service.sh --generate SERVICE
       build-go-service.sh --help

Builds IMAGE_PREFIX/SERVICE:STAGE. STAGE: $STAGES (default: production).
A service without a Dockerfile or .dockerignore of its own gets those of this folder, in a temporary folder that is
removed at the end; --generate writes them into the service's folder instead, to be kept, and builds nothing.

Examples:
  build-go-service.sh websocket-gateway
  build-go-service.sh websocket-gateway development
  build-go-service.sh presence-service production --no-cache
  build-go-service.sh websocket-gateway production --platform linux/arm64 --build-arg ALPINE_RUNTIME=alpine-files

Environment:
  SERVICES_DIR     folder of the services                 (default: services/ beside infrastructure/)
  IMAGE_PREFIX     first part of the image's name         (default: bulletproof)
  VERSION, COMMIT, BUILD_DATE
                   what --version says                    (default: from git, else unknown; the time now)
  MAX_CONTEXT_MB   what the build context may weigh       (default: 50)
  CACHE_FROM       image whose inline cache is used       (default: none)
  DOCKER           the client                             (default: docker)
  GOPROXY, GOSUMDB, GO_IMAGE, ALPINE_IMAGE, ALPINE_RUNTIME, TIDY, PORT, SOURCE
                   handed to the build where set

Exit codes: 0 built and checked; 1 the build failed; 2 wrong arguments, or a stage that is none; 3 docker is missing or
does not answer; 4 no such service, or none of Go modules; 5 the build context is too large; 6 built, but the image is
not what it should be (root, no health check, --version fails).
EOF
}

# fail CODE MESSAGE [REMEDY]
fail() {
    echo "build-go-service.sh: $2" >&2
    if [ $# -gt 2 ]; then echo "  $3" >&2; fi
    exit "$1"
}

check_docker() {
    command -v "$DOCKER" >/dev/null || fail 3 "$DOCKER is not here" "Install Docker 20.10 or newer, or set DOCKER."
    local said
    said=$("$DOCKER" version --format '{{.Server.Os}}/{{.Server.Arch}}' 2>&1) ||
        fail 3 "docker does not answer: $said" "Start the daemon; check DOCKER_HOST and your right to its socket."
    server=$said
}

check_service() {
    [[ $service =~ ^[a-z0-9]+([._-][a-z0-9]+)*$ ]] || fail 4 "'$service' can't be the name of a service or an image"
    folder=$SERVICES_DIR/$service
    if [ ! -d "$folder" ]; then
        local there
        there=$(cd "$SERVICES_DIR" 2>/dev/null && printf '%s ' */)
        fail 4 "no service '$service' in $SERVICES_DIR" "There are: ${there//\//}"
    fi
    [ -f "$folder/go.mod" ] || fail 4 "$folder has no go.mod" "Run there: go mod init example.com/$service"
    local said
    if command -v go >/dev/null; then
        said=$(cd "$folder" && GOTOOLCHAIN=local GOFLAGS= GOWORK=off go mod edit -json 2>&1) ||
            fail 4 "go.mod can't be parsed: $said"
    fi
    grep -Eq '^module[[:space:]]+[^[:space:]]+' "$folder/go.mod" ||
        fail 4 "$folder/go.mod names no module" "Its first line is like: module example.com/$service"
    find_main_package
}

# The program: the package of the folder itself, else cmd/SERVICE, else the only one below cmd/.
find_main_package() {
    local found
    if grep -qsE '^package main\b' "$folder"/*.go; then
        main_package=.
    elif [ -d "$folder/cmd/$service" ]; then
        main_package=./cmd/$service
    else
        found=("$folder"/cmd/*/)
        [ ${#found[@]} -eq 1 ] && [ -d "${found[0]}" ] ||
            fail 4 "no 'package main' in $folder, cmd/$service or a single folder of cmd/"
        main_package=./cmd/$(basename "${found[0]}")
    fi
}

check_stage() {
    local known=$STAGES
    if [ -f "$folder/Dockerfile" ]; then
        known=$(awk 'toupper($1) == "FROM" && toupper($(NF - 1)) == "AS" {printf "%s ", $NF}' "$folder/Dockerfile")
    fi
    [[ " $known " == *" $stage "* ]] || fail 2 "there is no stage '$stage'" "There are: $known"
}

# The Dockerfile of this service, to stdout.
dockerfile() {
    sed -E -e "s|^ARG SERVICE=.*|ARG SERVICE=$service|" -e "s|^ARG MAIN_PACKAGE=.*|ARG MAIN_PACKAGE=$main_package|" \
        "$HERE/base-go.dockerfile"
}

# Fill the temporary folder: a Dockerfile, and a .dockerignore beside it unless the service has its own.
prepare() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    if [ -f "$folder/Dockerfile" ]; then
        echo "Dockerfile: the service's own"
        cp "$folder/Dockerfile" "$work/Dockerfile"
    else
        echo "Dockerfile: generated (program: $main_package)"
        dockerfile >"$work/Dockerfile"
    fi
    ignore=$HERE/base-go.dockerfile.dockerignore
    if [ -f "$folder/.dockerignore" ]; then
        echo ".dockerignore: the service's own"
        ignore=$folder/.dockerignore
    else
        echo ".dockerignore: generated"
    fi
    cp "$ignore" "$work/Dockerfile.dockerignore"
}

# Refuse a context above MAX_CONTEXT_MB. Patterns that tar does not understand as Docker does make it look larger.
check_context() {
    local limit=$((MAX_CONTEXT_MB * 1000 * 1000)) bytes
    sed -E -e '/^(#|!|[[:space:]]*$)/d' -e 's|^\*\*/||' -e 's|^/|./|' "$ignore" >"$work/exclude"
    bytes=$( (tar -C "$folder" -cf - -X "$work/exclude" . 2>/dev/null || true) | head -c $((limit + 1)) | wc -c)
    if [ "$bytes" -gt "$limit" ]; then
        fail 5 "the build context is above $MAX_CONTEXT_MB MB" \
            "Look for what is large with: du -ah $folder | sort -h | tail. Exclude it in .dockerignore, or set MAX_CONTEXT_MB."
    fi
    echo "build context: at most $(((bytes + 999) / 1000)) kB"
}

stamp() {
    local inside=no
    git -C "$folder" rev-parse HEAD >/dev/null 2>&1 && inside=yes
    if [ $inside = yes ]; then
        : "${VERSION:=$(git -C "$folder" describe --tags --always --dirty)}"
        : "${COMMIT:=$(git -C "$folder" rev-parse HEAD)}"
    fi
    VERSION=${VERSION:-unknown} COMMIT=${COMMIT:-unknown}
    if [ -z "${BUILD_DATE:-}" ]; then
        BUILD_DATE=$(date -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"} +%Y-%m-%dT%H:%M:%SZ)
    fi
    local value
    for value in "$VERSION" "$COMMIT" "$BUILD_DATE"; do # they become part of a linker flag
        [[ $value =~ ^[A-Za-z0-9._:+~/-]+$ ]] || fail 2 "'$value' can't be a version, commit or date"
    done
    echo "version: $VERSION, commit: $COMMIT, date: $BUILD_DATE"
}

build() {
    local command=("$DOCKER" build --file "$work/Dockerfile" --target "$stage" --tag "$image"
        --build-arg BUILDKIT_INLINE_CACHE=1 --build-arg "VERSION=$VERSION" --build-arg "COMMIT=$COMMIT"
        --build-arg "BUILD_DATE=$BUILD_DATE") name
    for name in GOPROXY GOSUMDB GO_IMAGE ALPINE_IMAGE ALPINE_RUNTIME TIDY PORT SOURCE; do
        if [ -n "${!name:-}" ]; then command+=(--build-arg "$name=${!name}"); fi
    done
    if [ -n "${CACHE_FROM:-}" ]; then command+=(--cache-from "$CACHE_FROM"); fi
    echo "building $image"
    SECONDS=0
    if ! DOCKER_BUILDKIT=1 "${command[@]}" "$@" "$folder" 2>&1 | tee "$work/log"; then
        local remedy="The reason stands above; --progress=plain --no-cache shows every step."
        if grep -qE 'SECURITY ERROR|checksum mismatch' "$work/log"; then
            remedy="A module is not what go.sum says. Find out why before you change go.sum."
        elif grep -qE 'missing go.sum entry|updates to go.mod|no required module provides|is not tidy, and TIDY' "$work/log"; then
            remedy="go.mod or go.sum is incomplete: run 'go mod tidy' in $folder and commit both."
        elif grep -qE 'no such host|i/o timeout|connection refused|TLS handshake' "$work/log"; then
            remedy="Something was out of reach: check GOPROXY, or build with --network host."
        fi
        fail 1 "the build of $image failed" "$remedy"
    fi
    seconds=$SECONDS
}

inspect() { "$DOCKER" image inspect --format "$1" "$image"; }

row() { printf '  %-14s %s\n' "$1" "$2"; }

# Figures of the image, and what must hold of it; in `problems` what does not.
report() {
    local problems=() user health container version
    user=$(inspect '{{.Config.User}}')
    health=$(inspect '{{if .Config.Healthcheck}}{{join .Config.Healthcheck.Test " "}}{{end}}')
    echo
    echo "$image"
    row "build time" "$seconds s, $(grep -cE '^#[0-9]+ CACHED' "$work/log" || true) steps from the cache"
    row "image size" "$(inspect '{{.Size}}' | awk '{printf "%.1f MB, as docker counts it", $1 / 1e6}')"
    row "layers" "$(inspect '{{len .RootFS.Layers}}')"
    row "platform" "$(inspect '{{.Os}}/{{.Architecture}}')"
    case "${user:-root}" in
        root | root:* | 0 | 0:*) row "user" "root"; problems+=("it runs as root") ;;
        *) row "user" "$user, not root" ;;
    esac
    row "health check" "${health:-none}"
    if [ -z "$health" ] && [[ $stage == production || $stage == development ]]; then
        problems+=("it has no health check")
    fi
    container=$("$DOCKER" create "$image" none 2>/dev/null)
    "$DOCKER" cp "$container:/app/build-checks.txt" - 2>/dev/null | tar -xOf - 2>/dev/null |
        while IFS= read -r line; do row "verified" "$line"; done || row "verified" "unknown: no /app/build-checks.txt"
    "$DOCKER" rm "$container" >/dev/null
    if [[ $stage == production || $stage == builder ]]; then
        if [ "$(inspect '{{.Os}}/{{.Architecture}}')" != "$server" ]; then
            row "--version" "not run: built for another platform than $server"
        elif version=$("$DOCKER" run --rm --network none --read-only --entrypoint /app/main "$image" --version 2>&1); then
            row "--version" "$version"
            [[ $version == *"$VERSION"* ]] || problems+=("--version does not say $VERSION")
        else
            row "--version" "failed: $version"
            problems+=("--version fails")
        fi
    fi
    if [ ${#problems[@]} -gt 0 ]; then
        fail 6 "$image is built, but $(printf '%s; ' "${problems[@]}" | sed 's/; $//')"
    fi
    if [ ! -s "$folder/go.sum" ] && grep -q '^require' "$folder/go.mod" && [ "$stage" = base ]; then
        echo
        echo "To commit the go.sum that was written: $DOCKER run --rm $image cat go.sum >$folder/go.sum"
    fi
}

main() {
    case "${1:-}" in
        -h | --help) usage; exit 0 ;;
        --generate)
            [ $# -eq 2 ] || fail 2 "--generate takes a service" "See --help."
            service=$2
            check_service
            if [ -e "$folder/Dockerfile" ]; then fail 2 "$folder has a Dockerfile"; fi
            dockerfile >"$folder/Dockerfile"
            if [ ! -e "$folder/.dockerignore" ]; then
                cp "$HERE/base-go.dockerfile.dockerignore" "$folder/.dockerignore"
            fi
            echo "written: $folder/Dockerfile, $folder/.dockerignore"
            exit 0
            ;;
        "" | -*) usage >&2; exit 2 ;;
    esac
    service=$1 stage=production
    shift
    if [[ ${1:-} != "" && ${1:-} != -* ]]; then
        stage=$1
        shift
    fi
    image=$IMAGE_PREFIX/$service:$stage
    check_service
    check_stage
    check_docker
    prepare
    check_context
    stamp
    build "$@"
    report
}

main "$@"
