#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# local-runtime.sh SUITE BRANCH FOLDER: a stand-in for the GNOME runtime and SDK of that branch, made
# of the packages of the Debian suite that has the same GTK, and exported to FOLDER/repo. It is for
# building and testing where the real runtime cannot be fetched; install it into a private
# FLATPAK_USER_DIR, never into a person's own. Needs mmdebstrap, flatpak and ostree, and root.
set -euo pipefail

suite=$1 branch=$2 folder=$3
triplet=$(uname -m)-linux-gnu
arch=$(flatpak --default-arch)
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
[ -n "$mirror" ] || { echo "local-runtime.sh: no package mirror is configured: run apt-get update" >&2; exit 1; }

# What the real ones have of the things that Parley or its build uses.
platform=(
  base-files bash coreutils libc-bin sed grep gzip dash findutils
  libgtk-4-1 libgtk-4-bin libadwaita-1-0 libgtksourceview-5-0 libsecret-1-0 libjson-glib-1.0-0
  libcurl4t64 libarchive13t64 liblzma5 libzstd1 libsqlite3-0 libpcre2-8-0 libjpeg62-turbo libtiff6
  libvulkan1 mesa-vulkan-drivers libgl1-mesa-dri libegl1 libgl1 libglx-mesa0 libegl-mesa0
  adwaita-icon-theme hicolor-icon-theme fonts-dejavu-core fontconfig
  gsettings-desktop-schemas shared-mime-info ca-certificates glib-networking librsvg2-common
  libglib2.0-bin libgdk-pixbuf2.0-bin
)
sdk=(
  gcc g++ libc6-dev make cmake meson ninja-build pkgconf patch diffutils tar xz-utils binutils
  gettext mawk file elfutils python3-minimal
  libgtk-4-dev libadwaita-1-dev libgtksourceview-5-dev libsecret-1-dev libjson-glib-dev
  libcurl4-openssl-dev libarchive-dev liblzma-dev libzstd-dev libsqlite3-dev libpcre2-dev libssl-dev libvulkan-dev
  libjpeg-dev libfontconfig-dev libfreetype-dev libglib2.0-dev-bin
  appstream appstream-compose desktop-file-utils
)

extract() { # TREE PACKAGE...: unpacked only; what maintainer scripts do is done by finish
  local tree=$1
  shift
  rm -rf "$tree"
  mmdebstrap --quiet --variant=extract --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
    --include="$(IFS=,; echo "$*")" "$suite" "$tree" "$mirror" || {
    echo "local-runtime.sh: $suite's packages cannot be fetched or do not go together" >&2
    exit 75
  }
}

finish() { # TREE
  local tree=$1
  local in=(chroot "$tree" /usr/bin/env PATH=/usr/sbin:/usr/bin)
  rm -rf "$tree"/usr/share/{doc,man,locale,info,lintian,bug}
  "${in[@]}" glib-compile-schemas /usr/share/glib-2.0/schemas
  "${in[@]}" "/usr/lib/$triplet/glib-2.0/gio-querymodules" "/usr/lib/$triplet/gio/modules"
  "${in[@]}" "/usr/lib/$triplet/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders" --update-cache || true
  "${in[@]}" update-mime-database /usr/share/mime
  "${in[@]}" gtk4-update-icon-cache -q -f /usr/share/icons/hicolor || true
  mkdir -p "$tree/etc/ssl/certs"
  cat "$tree"/usr/share/ca-certificates/mozilla/*.crt >"$tree/etc/ssl/certs/ca-certificates.crt"
  ln -sf ../sbin/ldconfig "$tree/usr/bin/ldconfig"
  [ ! -e "$tree/usr/bin/mawk" ] || ln -sf mawk "$tree/usr/bin/awk"
  [ ! -e "$tree/usr/bin/gcc" ] || ln -sf gcc "$tree/usr/bin/cc"
  [ ! -e "$tree/usr/bin/g++" ] || ln -sf g++ "$tree/usr/bin/c++"
  # flatpak-builder before 1.4 asks for the tool of the library that appstream replaced, and keeps
  # the metainfo where that one looked.
  [ ! -e "$tree/usr/bin/appstreamcli" ] || install -m 755 /dev/stdin "$tree/usr/bin/appstream-compose" <<'COMPOSE'
#!/bin/sh
for last; do :; done
mkdir -p /app/share/metainfo
cp "/app/share/appdata/$last.appdata.xml" "/app/share/metainfo/$last.metainfo.xml"
exec appstreamcli compose --no-net --prefix=/ --origin=flatpak --components="$last" \
  --result-root=/app --data-dir=/app/share/app-info/xmls --icons-dir=/app/share/app-info/icons/flatpak /app
COMPOSE
  printf '%s\n' /app/lib 'include /run/flatpak/ld.so.conf.d/app-*.conf' 'include /app/etc/ld.so.conf' \
    /usr/local/lib "/lib/$triplet" "/usr/lib/$triplet" \
    'include /run/flatpak/ld.so.conf.d/runtime-*.conf' >"$tree/etc/ld.so.conf"
}

export_runtime() { # TREE ID
  local tree=$1 id=$2 out=runtime-$2
  rm -rf "$out"
  mkdir -p "$out/files"
  cp -al "$tree/usr" "$out/usr"
  cp -a "$tree/etc" "$out/usr/etc"
  printf '[Runtime]\nname=%s\nruntime=org.gnome.Platform/%s/%s\nsdk=org.gnome.Sdk/%s/%s\n' \
    "$id" "$arch" "$branch" "$arch" "$branch" >"$out/metadata"
  flatpak build-export --runtime --disable-sandbox --no-update-summary \
    -s "$id of Debian packages" repo "$out" "$branch" >/dev/null
}

mkdir -p "$folder"
cd "$folder"
extract platform-tree "${platform[@]}"
finish platform-tree
export_runtime platform-tree org.gnome.Platform
rm -rf platform-tree runtime-org.gnome.Platform
extract sdk-tree "${platform[@]}" "${sdk[@]}"
finish sdk-tree
export_runtime sdk-tree org.gnome.Sdk
rm -rf sdk-tree runtime-org.gnome.Sdk
flatpak build-update-repo repo >/dev/null
