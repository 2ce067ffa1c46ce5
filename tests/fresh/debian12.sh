#!/bin/sh
# From a clean clone in a fresh Debian 12: ./dev build, install, run and test must work with nothing but a shell.
#
#   tests/fresh/debian12.sh [--short] FOLDER
#
# --short leaves out ./dev test and what only the tests need.
#
# Makes a minimal Debian in FOLDER (kept for the next time; about 2 GB once the packages are in), clones what is
# committed here into it and works there. Needs root and debootstrap. Not a part of ./dev test, which it runs.
set -eu
unset CDPATH

short=no
if [ "${1:-}" = --short ]; then
  short=yes
  shift
fi
if [ $# -ne 1 ]; then
  printf 'usage: %s [--short] FOLDER\n' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
fresh=$(cd "$1" && pwd)

say() { printf '### %s\n' "$*"; }

inside() {
  chroot "$fresh" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" no_proxy="${no_proxy:-}" \
    /bin/sh -euc "cd /root/stoa
$1"
}

# How this machine reaches the archive: its resolver, its settings of apt, the authorities that it trusts. And what the
# installer of a real Debian writes: who localhost is.
copy_network() {
  [ -f "$fresh/etc/hosts" ] || printf '127.0.0.1 localhost\n::1 localhost\n' >"$fresh/etc/hosts"
  cp /etc/resolv.conf "$fresh/etc/resolv.conf"
  cp /etc/apt/apt.conf.d/* "$fresh/etc/apt/apt.conf.d/"
  mkdir -p "$fresh/usr/local/share/ca-certificates"
  find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$fresh/usr/local/share/ca-certificates/" \;
}

mount_kernel() {
  mount -t proc proc "$fresh/proc"
  mount -t sysfs -o ro sysfs "$fresh/sys"
  mount --rbind /dev "$fresh/dev"
  mount --make-rslave "$fresh/dev"
}

unmount_kernel() {
  for name in dev sys proc; do
    if grep -q " $fresh/$name " /proc/self/mounts; then umount -R -l "$fresh/$name"; fi
  done
}

# The page must come from the running program; then it must end on SIGTERM, which ./dev run passes on by exec.
check_run() {
  # shellcheck disable=SC2016  # expanded inside
  inside './dev run >run.log 2>&1 &
    server=$!
    page="import urllib.request as r; assert b\"<html\" in r.urlopen(\"http://localhost:7700/\", timeout=5).read()"
    for attempt in $(seq 60); do
      if python3 -c "$page" 2>page.log; then
        echo "the page is served"
        kill -TERM $server
        wait $server
        echo "and the server ends on SIGTERM"
        exit 0
      fi
      kill -0 $server 2>/dev/null || break
      sleep 1
    done
    cat run.log page.log
    kill -KILL $server 2>/dev/null || :
    exit 1'
}

if [ ! -f "$fresh/etc/debian_version" ]; then
  say "making a Debian 12 in $fresh"
  debootstrap --variant=minbase bookworm "$fresh"
fi
trap unmount_kernel EXIT
trap 'exit 130' INT TERM
mount_kernel
copy_network
say 'cloning'
rm -rf "$fresh/root/stoa"
git clone --quiet "$here" "$fresh/root/stoa"
say './dev build'
inside './dev build'
say './dev install'
inside './dev install && pkg-config --modversion stoa && cd / && chatroom --version'
say './dev run'
check_run
if [ "$short" = no ]; then
  say './dev test'
  inside './dev test'
fi
