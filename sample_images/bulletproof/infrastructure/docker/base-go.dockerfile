# One Dockerfile for every Go service of this platform. The context is the service's folder; its go.sum may be
# there, empty or missing. Stages:
#   base         modules downloaded and checked, source; what was checked stands in /app/build-checks.txt
#   development  base + air: builds and starts the service again at each change below /src
#   builder      base + the static, stripped program in /app/main
#   production   Alpine + the program, as user 1001
# build-go-service.sh fills in the next three for a service.
ARG SERVICE=service
ARG MAIN_PACKAGE=.
ARG PORT=8080

ARG GO_IMAGE=golang:1-alpine
ARG ALPINE_IMAGE=alpine:3.20
# alpine-packages installs with apk; alpine-files copies time zones from the Go image, so that nothing runs in it.
ARG ALPINE_RUNTIME=alpine-packages

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS base
ENV GOPATH=/go GOMODCACHE=/go/pkg/mod GOCACHE=/go-cache GOTOOLCHAIN=local CGO_ENABLED=0
RUN echo 'app:x:1001:' >>/etc/group \
    && echo 'app:x:1001:1001:service:/home/app:/sbin/nologin' >>/etc/passwd \
    && mkdir -p /src /app /home/app /go/pkg/mod /go-cache \
    && chown 1001:1001 /src /app /home/app /go /go/pkg /go/pkg/mod /go-cache
# Nothing of a module is handled as root, not even while it is built.
USER 1001:1001
WORKDIR /src

# go.mod and go.sum alone: this layer, the slow one, is used again until one of them changes. go.su[m] may be missing.
COPY --chown=1001:1001 go.mod go.su[m] ./
ARG GOPROXY
ARG GOSUMDB
# A hash in go.sum that is not the module's ends the build here.
RUN set -eu; \
    if [ ! -e go.sum ]; then state=missing; elif grep -q '[^[:space:]]' go.sum; then state=existing; else state=empty; fi; \
    echo "go.sum: $state" >/app/build-checks.txt; \
    go mod download

# COPY brings back the go.sum of the folder, should the download have written to it.
COPY --chown=1001:1001 . .

# Missing or empty: written now, for what the source imports. go.mod stays as it is.
RUN set -eu; \
    if grep -qx 'go.sum: existing' /app/build-checks.txt; then exit 0; fi; \
    say() { echo "$*" | tee -a /app/build-checks.txt; }; \
    cp go.mod /tmp/go.mod; \
    go mod tidy; \
    if ! cmp -s go.mod /tmp/go.mod; then cp /tmp/go.mod go.mod; say "go mod tidy: would change go.mod; used as it is"; fi; \
    if [ -s go.sum ]; then \
        say "modules: $(grep -c . go.sum) hashes written to go.sum; checksum database: $(go env GOSUMDB)"; \
    else \
        say "modules: none is used"; \
    fi

# Existing: where `go mod tidy` would change go.mod or go.sum, TIDY says what happens: report (both are used as they
# are), strict (the build fails) or fix (both are tidied in the image, not in the folder).
ARG TIDY=report
RUN set -eu; \
    if ! grep -qx 'go.sum: existing' /app/build-checks.txt; then exit 0; fi; \
    say() { echo "$*" | tee -a /app/build-checks.txt; }; \
    say "modules: checked against the existing go.sum ($(grep -c . go.sum) hashes)"; \
    if diff=$(go mod tidy -diff 2>/tmp/reason); then say "go mod tidy -diff: nothing to change"; exit 0; fi; \
    if [ -z "$diff" ]; then cat /tmp/reason >&2; exit 1; fi; \
    printf '%s\n' "$diff"; \
    case "$TIDY" in \
        report) say "go mod tidy -diff: go.mod or go.sum is not tidy; used as it is";; \
        fix) go mod tidy; say "go mod tidy: changed go.mod or go.sum in the image";; \
        *) echo "go.mod or go.sum is not tidy, and TIDY=$TIDY" >&2; exit 1;; \
    esac

ARG MAIN_PACKAGE
RUN set -eu; \
    say() { echo "$*" | tee -a /app/build-checks.txt; }; \
    go list -mod=readonly -deps "$MAIN_PACKAGE" >/dev/null; \
    say "go list -mod=readonly: go.mod and go.sum suffice for $MAIN_PACKAGE"; \
    verified=$(go mod verify); \
    say "go mod verify: $verified"


FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS air
ARG GOPROXY
ARG GOSUMDB
ARG AIR_VERSION=v1.67.4
ARG AIR_SUM=h1:pkWBQues0094VMgUZ9MboNfS1vyCBEXeU6QxuD6/PwU=
RUN --mount=type=cache,id=bulletproof-air,target=/cache \
    export GOPATH=/cache/go GOCACHE=/cache/build GOBIN=/out CGO_ENABLED=0 \
    && sum=$(go mod download -json "github.com/air-verse/air@$AIR_VERSION" | sed -n 's/.*"Sum": "\(.*\)".*/\1/p') \
    && { [ "$sum" = "$AIR_SUM" ] || { echo "air $AIR_VERSION has $sum, not $AIR_SUM" >&2; exit 1; }; } \
    && go install -trimpath -ldflags "-s -w" "github.com/air-verse/air@$AIR_VERSION"

FROM base AS development
COPY --from=air /out/air /usr/local/bin/air
ARG MAIN_PACKAGE
# Built once here, so that the first start finds the standard library and the modules compiled.
RUN printf '%s\n' \
        'root = "/src"' \
        'tmp_dir = "/tmp/air"' \
        '[build]' \
        "cmd = \"go build -buildvcs=false -o /tmp/air/main $MAIN_PACKAGE\"" \
        'entrypoint = ["/tmp/air/main"]' \
        'include_ext = ["go", "mod", "sum", "html", "tmpl"]' \
        'exclude_regex = ["_test\\.go$"]' \
        'delay = 300' \
        'stop_on_error = true' \
        'send_interrupt = true' \
        'kill_delay = "2s"' \
        >/app/air.toml \
    && mkdir -p /tmp/air && go build -buildvcs=false -o /tmp/air/main "$MAIN_PACKAGE"
ARG PORT
ENV LISTEN_ADDR=:${PORT}
EXPOSE ${PORT}
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/tmp/air/main", "--healthcheck"]
ENTRYPOINT ["air"]
CMD ["-c", "/app/air.toml"]


FROM base AS builder
ARG TARGETOS
ARG TARGETARCH
ARG MAIN_PACKAGE
ARG VERSION=unknown
ARG COMMIT=unknown
ARG BUILD_DATE=unknown
RUN --mount=type=cache,id=bulletproof-go-cache,target=/go-cache,uid=1001,gid=1001 \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -mod=readonly -buildvcs=false -trimpath \
        -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT -X main.buildDate=$BUILD_DATE" \
        -o /app/main "$MAIN_PACKAGE"
ENTRYPOINT ["/app/main"]


FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS files
RUN test -d /usr/share/zoneinfo || apk add --no-cache tzdata

FROM --platform=$BUILDPLATFORM ${ALPINE_IMAGE} AS users
RUN echo 'app:x:1001:' >>/etc/group && echo 'app:x:1001:1001:service:/app:/sbin/nologin' >>/etc/passwd

FROM ${ALPINE_IMAGE} AS alpine-packages
RUN apk add --no-cache ca-certificates-bundle tzdata

# The certificates are in Alpine's base already (ca-certificates-bundle); copied again they would weigh twice.
FROM ${ALPINE_IMAGE} AS alpine-files
COPY --from=files /usr/share/zoneinfo /usr/share/zoneinfo

FROM ${ALPINE_RUNTIME} AS production
COPY --from=users /etc/passwd /etc/group /etc/
# root's: the service can't change its own program.
COPY --from=builder --chown=0:0 /app/main /app/build-checks.txt /app/
ARG PORT
ENV LISTEN_ADDR=:${PORT}
EXPOSE ${PORT}
USER 1001:1001
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["/app/main", "--healthcheck"]
ENTRYPOINT ["/app/main"]
ARG SERVICE
ARG VERSION=unknown
ARG COMMIT=unknown
ARG BUILD_DATE=unknown
ARG SOURCE=https://example.com/bulletproof
LABEL org.opencontainers.image.title="${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.created="${BUILD_DATE}" \
      org.opencontainers.image.source="${SOURCE}"
