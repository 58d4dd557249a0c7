#!/bin/sh
# Make the distroless-static tree of this folder from Debian 12's packages, as the distroless project documents
# its layout: one layer a package, the package's metadata in var/lib/dpkg/status.d, no package manager, no shell.
# Runs on Debian 12 (bookworm) with apt-get, dpkg-deb, tar and gzip; needs no root. The packages are all
# architecture-independent but base-files and netbase, whose files are the same on amd64 and arm64.
#
#     sample_images/bases/make_distroless.sh       rewrites distroless-static-debian12/ and its SHA256SUMS
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$here/distroless-static-debian12
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages="base-files netbase tzdata media-types ca-certificates"

layer() { # layer NAME FOLDER: the folder as a layer, the same bytes each time
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu -C "$2" -cf - . | gzip -n -9 >"$out/$1.tar.gz"
}

rm -f "$out"/*.tar.gz "$out/VERSIONS"
mkdir -p "$out" "$work/debs"
(cd "$work/debs" && apt-get download -qq $packages)
number=0
for package in $packages; do
  number=$((number + 1))
  deb=$(ls "$work/debs/${package}"_*.deb)
  root=$work/$package
  mkdir -p "$root/var/lib/dpkg/status.d"
  dpkg-deb -x "$deb" "$root"
  dpkg-deb -f "$deb" >"$root/var/lib/dpkg/status.d/$package"
  dpkg-deb -I "$deb" md5sums >"$root/var/lib/dpkg/status.d/$package.md5sums" 2>/dev/null || true
  echo "$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version) sha256:$(sha256sum "$deb" | cut -d' ' -f1)" >>"$out/VERSIONS"
  case $package in
    base-files) sed -i 's/^PRETTY_NAME=.*/PRETTY_NAME="Distroless"/' "$root/usr/lib/os-release" ;;
    ca-certificates)
      mkdir -p "$root/etc/ssl/certs"
      find "$root/usr/share/ca-certificates" -name '*.crt' | LC_ALL=C sort | xargs cat >"$root/etc/ssl/certs/ca-certificates.crt"
      ;;
  esac
  layer "0$number-$package" "$root"
done

users=$work/users
mkdir -p "$users/etc" "$users/home/nonroot" "$users/tmp"
chmod 1777 "$users/tmp"
cat >"$users/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
PASSWD
cat >"$users/etc/group" <<'GROUP'
root:x:0:
nobody:x:65534:
tty:x:5:
staff:x:50:
nonroot:x:65532:
GROUP
layer 06-users "$users"
(cd "$out" && sha256sum ./*.tar.gz >SHA256SUMS)
