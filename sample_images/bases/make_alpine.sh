#!/bin/sh
# Fetch Alpine's own minirootfs archive of the version and architecture below and hold it against the sum that
# Alpine publishes beside it. The archive is kept as it is: it is a layer, gzip and all.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=3.20.3
arch=x86_64
name=alpine-minirootfs-$version-$arch.tar.gz
url=https://dl-cdn.alpinelinux.org/alpine/v${version%.*}/releases/$arch/$name
curl -fsSL -o "$here/$name" "$url"
curl -fsSL "$url.sha256" | (cd "$here" && sha256sum -c -)
(cd "$here" && sha256sum "$name" >SHA256SUMS)
