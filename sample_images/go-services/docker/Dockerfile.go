# Images of any service of services/ that has a go.mod and its main package in cmd/. Build it in the service's folder:
#   docker build -f docker/Dockerfile.go --target production services/emergency-service
# Stages: builder; development (Delve); production-alpine (shell); production (scratch), which is the default.
ARG GO_IMAGE=golang:1-alpine
ARG ALPINE_IMAGE=alpine:3.20
# alpine-files: without Alpine's package server, and for platforms whose programs can't run here.
ARG ALPINE_RUNTIME=alpine-packages

# Go itself cross-compiles: no stage with a RUN is of the target's platform, so no emulation is needed.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS go
ENV GOPATH=/go

FROM go AS tools
RUN command -v upx >/dev/null && test -d /usr/share/zoneinfo || apk add --no-cache ca-certificates tzdata upx
# Users as files: what has no shell has no adduser either.
WORKDIR /out/etc
RUN echo 'goapp:x:1001:1001:Go service:/nonexistent:/sbin/nologin' >passwd && echo 'goapp:x:1001:' >group

FROM tools AS source
ARG GOPROXY
ARG GOSUMDB
WORKDIR /src
# Modules first: this layer lasts until go.mod or go.sum change.
COPY go.mod go.su[m] ./
RUN --mount=type=cache,target=/go/pkg/mod \
    GOPROXY="${GOPROXY:-$(go env GOPROXY)}" GOSUMDB="${GOSUMDB:-$(go env GOSUMDB)}" go mod download \
    && GOFLAGS=-mod=readonly go mod verify
COPY . .

FROM source AS builder
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG BUILD_DATE=unknown
ARG GIT_COMMIT=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS="$TARGETOS" GOARCH="$TARGETARCH" go build -trimpath -o /out/app \
      -ldflags "-s -w -X main.Version=$VERSION -X main.BuildDate=$BUILD_DATE -X main.GitCommit=$GIT_COMMIT" ./cmd
# Flags of upx; empty: the binary is not packed.
ARG UPX="--best --lzma"
RUN if [ -n "$UPX" ]; then upx -q $UPX /out/app && upx -qt /out/app; fi

FROM go AS delve
ARG GOPROXY
ARG GOSUMDB
ARG DELVE_VERSION=v1.27.2
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOPROXY="${GOPROXY:-$(go env GOPROXY)}" GOSUMDB="${GOSUMDB:-$(go env GOSUMDB)}" \
    CGO_ENABLED=0 go install -trimpath "github.com/go-delve/delve/cmd/dlv@$DELVE_VERSION"

FROM source AS debuggable
ARG VERSION=dev
ARG BUILD_DATE=unknown
ARG GIT_COMMIT=unknown
# Not optimised, nothing inlined, paths as they are in /src: lines and variables are then what the source says.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -gcflags "all=-N -l" -o /out/app \
      -ldflags "-X main.Version=$VERSION -X main.BuildDate=$BUILD_DATE -X main.GitCommit=$GIT_COMMIT" ./cmd

FROM ${GO_IMAGE} AS development
ARG VERSION=dev
ARG BUILD_DATE=unknown
ARG GIT_COMMIT=unknown
ARG SOURCE=https://example.com/go-services
LABEL org.opencontainers.image.title="Go service, development" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$GIT_COMMIT" \
      org.opencontainers.image.created="$BUILD_DATE" \
      org.opencontainers.image.source="$SOURCE"
# Delve keeps its settings in a home.
ENV HOME=/tmp ENV=development
RUN --mount=type=bind,from=tools,source=/out/etc,target=/users \
    cat /users/passwd >>/etc/passwd && cat /users/group >>/etc/group
COPY --from=delve /go/bin/dlv /usr/local/bin/dlv
COPY --from=source /src /src
COPY --from=debuggable /out/app /app
WORKDIR /src
USER 1001:1001
EXPOSE 8080 2345
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["/app", "--healthcheck"]
# --continue: the service answers at once, whether a debugger is attached or not.
ENTRYPOINT ["dlv", "exec", "--headless", "--listen=:2345", "--api-version=2", "--accept-multiclient", "--continue", \
            "/app", "--"]

FROM ${ALPINE_IMAGE} AS alpine-packages
RUN apk add --no-cache ca-certificates curl tzdata

# Alpine itself has CA certificates (ca-certificates-bundle) and BusyBox's wget.
FROM ${ALPINE_IMAGE} AS alpine-files
COPY --from=tools /usr/share/zoneinfo /usr/share/zoneinfo

FROM ${ALPINE_RUNTIME} AS production-alpine
ARG VERSION=dev
ARG BUILD_DATE=unknown
ARG GIT_COMMIT=unknown
ARG SOURCE=https://example.com/go-services
LABEL org.opencontainers.image.title="Go service on Alpine" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$GIT_COMMIT" \
      org.opencontainers.image.created="$BUILD_DATE" \
      org.opencontainers.image.source="$SOURCE"
COPY --from=builder /out/app /app
USER 1001:1001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["/app", "--healthcheck"]
ENTRYPOINT ["/app"]

# Last, so that a build without --target makes it.
FROM scratch AS production
ARG VERSION=dev
ARG BUILD_DATE=unknown
ARG GIT_COMMIT=unknown
ARG SOURCE=https://example.com/go-services
LABEL org.opencontainers.image.title="Go service" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$GIT_COMMIT" \
      org.opencontainers.image.created="$BUILD_DATE" \
      org.opencontainers.image.source="$SOURCE"
COPY --from=tools /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=tools /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=tools /out/etc /etc
COPY --from=builder /out/app /app
USER 1001:1001
EXPOSE 8080
# Kubernetes does not look at it and asks over HTTP itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["/app", "--healthcheck"]
ENTRYPOINT ["/app"]
