#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the compiled shaders into a release's tarball (run by `meson dist`)."""
import os
import shutil
import sys

built = os.path.join(os.environ["MESON_BUILD_ROOT"], "shaders")
into = os.path.join(os.environ["MESON_DIST_ROOT"], "shaders", "spirv")
modules = [f for f in os.listdir(built) if f.endswith(".spv")]
if not modules:
    sys.exit("the shaders are not built: run ninja first")
os.makedirs(into)
for name in modules:
    shutil.copy(os.path.join(built, name), into)
