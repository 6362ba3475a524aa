#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# build.sh [--local-runtime] [--without MODULE] FOLDER: makes a tarball of this checkout, builds the
# manifest with it and installs the result for the user. With --local-runtime the runtime and the
# modules' sources come from the distribution's package mirror instead of Flathub and their homes,
# and everything, the installation too, stays inside FOLDER. `./dev flatpak` calls this. Exit status
# 75: the mirror did not give what the runtime or the modules are made from.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
source=$(dirname "$here")
id=io.github.parleychat.Parley

local_runtime=0
without=()
while [ $# -gt 1 ]; do
  case $1 in
  --local-runtime) local_runtime=1 ;;
  --without) shift; without+=("$1") ;;
  *) echo "build.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$1"
folder=$(realpath "$1")

# ---- the tarball: what is committed here, and the compiled shaders ----
tree=$folder/tree
[ -f "$tree/build.ninja" ] || meson setup "$tree" "$source" -Dtests=false >"$folder/meson.log" 2>&1 || {
  cat "$folder/meson.log" >&2
  exit 1
}
ninja -C "$tree" --quiet shaders/kernels.c
meson dist -C "$tree" --no-tests --allow-dirty --formats xztar >"$folder/dist.log" 2>&1 || {
  tail -n 20 "$folder/dist.log" >&2
  exit 1
}
cp "$tree"/meson-dist/parley-*.tar.xz "$folder/parley.tar.xz"

# ---- the manifest, naming that tarball ----
manifest=$folder/$id.yml
# Without a checksum flatpak-builder takes another tarball at the same place for the one it has built.
hash=$(sha256sum "$folder/parley.tar.xz" | cut -d ' ' -f 1)
sed "s#^\( *\)path: .*parley.tar.xz#\1path: $folder/parley.tar.xz\n\1sha256: $hash#" "$here/$id.yml" >"$manifest"
for module in "${without[@]}"; do
  python3 - "$manifest" "$module" <<'PYTHON'
import sys
path, module = sys.argv[1:]
kept, skip = [], False
for line in open(path):
    if line.startswith("  - name: "):
        skip = line.split(":")[1].strip() == module
    if not skip:
        kept.append(line)
open(path, "w").writelines(kept)
PYTHON
done

options=(--user --force-clean --install --state-dir="$folder/state")
if [ "$local_runtime" = 1 ]; then
  branch=$(sed -n "s/^runtime-version: '\(.*\)'/\1/p" "$manifest")
  declare -A suites=([48]=trixie [51]=forky)
  export FLATPAK_USER_DIR=$folder/user
  [ -f "$folder/runtime/repo/summary" ] || "$here/local-runtime.sh" "${suites[$branch]}" "$branch" "$folder/runtime"
  flatpak --user remote-add --if-not-exists --no-gpg-verify local-runtime "file://$folder/runtime/repo"
  for runtime in org.gnome.Platform org.gnome.Sdk; do
    flatpak --user info "$runtime//$branch" >/dev/null 2>&1 ||
      flatpak --user install -y --noninteractive local-runtime "$runtime//$branch" >/dev/null
  done
  # The distribution keeps the same tarballs under the names that dest-filename says.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  while read -r name hash; do
    file=$folder/state/downloads/$hash/$name
    [ -f "$file" ] && continue
    mkdir -p "${file%/*}"
    curl --silent --show-error --fail --location \
      "${mirror%/}/pool/main/${name:0:1}/${name%%_*}/$name" --output "$file.part" ||
      { echo "build.sh: the package mirror does not give $name" >&2; exit 75; }
    echo "$hash  $file.part" | sha256sum --check --quiet
    mv "$file.part" "$file"
  done < <(awk '/dest-filename:/ { name = $2 } /sha256:/ { print name, $2 }' "$here/$id.yml")
  options+=(--disable-download --disable-rofiles-fuse)
else
  flatpak --user remote-add --if-not-exists flathub https://flathub.org/repo/flathub.flatpakrepo
  options+=(--install-deps-from=flathub)
fi
flatpak-builder "${options[@]}" "$folder/build" "$manifest"
