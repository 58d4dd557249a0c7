#!/bin/sh
# Makes the samples: hello (gcc, amd64, glibc), and the same packed by UPX, one for each compression method.
# UPX is under the GPL with an exception: what it packs may be given away freely.
set -eu
cd "$(dirname "$0")"
gcc -O1 -s -Wl,--build-id=sha1 -o hello hello.c -lm
for method in nrv2b nrv2d nrv2e lzma; do
    rm -f "hello-$method"
    upx -qqq "--$method" -o "hello-$method" hello
done
