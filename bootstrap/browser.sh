#!/usr/bin/env bash
# Chromium and Chinese fonts, for the browser tests only. Exits 0 where Chromium is there, 1 where it was left out; with CI=true
# its absence is an error (2).
set -euo pipefail

PACKAGES="chromium fonts-noto-cjk"

find_chromium() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do command -v "$name" && return; done
  return 1
}
has_chinese() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family 2>/dev/null)" ]; }
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

if find_chromium >/dev/null && has_chinese; then exit 0; fi
if command -v apt-get >/dev/null && as_root true; then
  printf '\033[1m==>\033[0m %s\n' "Installing Chromium and Chinese fonts for the browser tests (1 to 3 minutes, 700 MB on disk)"
  as_root apt-get -qq -o DPkg::Lock::Timeout=300 update || true
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $PACKAGES fontconfig >/dev/null || true
fi
if find_chromium >/dev/null; then exit 0; fi
line="The browser tests are left out: there is no Chromium. To have them, as root run: apt-get install -y $PACKAGES"
printf '%s\n' "$line" >&2
if [ "${CI:-}" = true ]; then exit 2; fi
exit 1
