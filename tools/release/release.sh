#!/bin/sh
# Builds what a release has into OUTDIR: archives, deb, rpm, images, lists of what is inside, and checksums. Called by
# `make release` with the UI built. The same commit gives the same bytes.
#
#   VERSION=… REVISION=… LDFLAGS=… release.sh OUTDIR ARCH...
set -eu

out=${1:?usage: release.sh OUTDIR ARCH...}
shift
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/../.."

# Of the commit, or of what is built from without git.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH
tools=$out/.tools
mkdir -p "$tools"
GOWORK=off go build -C tools/release -o "$tools/" ./image github.com/goreleaser/nfpm/v2/cmd/nfpm github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

for ARCH in "$@"; do
	BUILD=$out/.build/$ARCH
	export ARCH BUILD VERSION
	mkdir -p "$BUILD"
	GOOS=linux GOARCH=$ARCH go build -ldflags "$LDFLAGS" -o "$BUILD/ausguck" ./cmd/ausguck
	GOOS=linux GOARCH=$ARCH GOWORK=off go build -C codeagent -ldflags '-s -w' -o "$BUILD/codeagent" .
	name=ausguck_${VERSION}_linux_$ARCH

	# An archive: the program, its unit, and what one has to know.
	tree=$out/.build/$name
	rm -rf "$tree" && mkdir -p "$tree/systemd"
	cp "$BUILD/ausguck" LICENSE NOTICE README.md CHANGELOG.md "$tree/"
	cp deploy/systemd/* "$tree/systemd/"
	tar --create --directory "$out/.build" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
		--mode='u+rw,go+r,go-w' "$name" | gzip -n -6 >"$out/$name.tar.gz"

	for packager in deb rpm; do
		"$tools/nfpm" package --config deploy/package/nfpm.yaml --packager "$packager" --target "$out/"
	done

	for program in ausguck codeagent; do
		"$tools/image" -program "$BUILD/$program" -name "$program" -arch "$ARCH" -version "$VERSION" -revision "$REVISION" \
			-epoch "$SOURCE_DATE_EPOCH" -out "$out/${program}_${VERSION}_linux_$ARCH.image.tar"
	done

	"$tools/cyclonedx-gomod" bin -json -noserial -output "$out/$name.sbom.json" "$BUILD/ausguck" 2>/dev/null
	node tools/release/sbom.mjs "$out/$name.sbom.json" web "$SOURCE_DATE_EPOCH"
done

cd "$out"
sha256sum -- *.tar.gz *.deb *.rpm *.image.tar *.sbom.json >SHA256SUMS
ls -l -- *.tar.gz *.deb *.rpm *.image.tar *.sbom.json | awk '{printf "%8.1f MB  %s\n", $5 / 1e6, $9}'
