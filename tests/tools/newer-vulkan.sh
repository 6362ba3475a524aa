#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# newer-vulkan.sh SUITE FOLDER: the shader compiler and the software Vulkan driver of a later Debian
# suite, unpacked into FOLDER and run through their own loader, so that the host stays as it is.
#   FOLDER/glslc ...         that compiler
#   FOLDER/run PROGRAM ...   a program of this host, on that driver
# Needs mmdebstrap and root. Exit status 75: the packages cannot be had.
set -euo pipefail

suite=$1 folder=$(realpath -m "$2")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1) || true
[ -n "$mirror" ] || { echo "newer-vulkan.sh: no package mirror is configured: run apt-get update" >&2; exit 75; }
tree=$folder/tree
rm -rf "$tree"
mkdir -p "$folder"
mmdebstrap --quiet --variant=extract --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
  --include=glslc,mesa-vulkan-drivers,libvulkan1,libglib2.0-0t64,libpcre2-8-0 "$suite" "$tree" "$mirror" || {
  echo "newer-vulkan.sh: $suite's packages cannot be fetched or do not go together" >&2
  exit 75
}
libraries=$tree/usr/lib/$(uname -m)-linux-gnu
loader=$(ls "$libraries"/ld-linux-*.so.* | head -n 1)
driver=$folder/lavapipe.json
sed "s#\"library_path\": *\"[^\"]*\"#\"library_path\": \"$libraries/libvulkan_lvp.so\"#" \
  "$tree"/usr/share/vulkan/icd.d/lvp_icd*.json >"$driver"

script() { # NAME: the rest of the script comes on standard input
  { echo '#!/bin/sh'; cat; } >"$folder/$1"
  chmod +x "$folder/$1"
}
script glslc <<SCRIPT
exec $loader --library-path $libraries $tree/usr/bin/glslc "\$@"
SCRIPT
script run <<SCRIPT
export VK_DRIVER_FILES=$driver VK_ICD_FILENAMES=$driver
exec $loader --library-path $libraries "\$@"
SCRIPT
