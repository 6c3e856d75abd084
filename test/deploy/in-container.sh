#!/bin/sh
# in-container.sh run|build IMAGE DATA NODE USER WORKDIR COMMAND…: runs a command like a container, but without Docker: with
# its own root folder, another user and this machine's system libraries. `run`: the root folder is read-only, except for the
# volume DATA at /data and for /tmp. `build`: it is writable, as for a RUN of a Dockerfile. Needs root.
set -eu
exec unshare --mount --propagation private sh -euc '
  mode=$1 image=$2 data=$3 node=$4 user=$5 workdir=$6
  shift 6
  for folder in usr bin lib lib64 etc dev proc tmp node; do mkdir -p "$image/$folder"; done
  mount --bind "$image" "$image"
  for folder in usr bin lib lib64 etc dev proc; do
    if [ -d "/$folder" ]; then mount --rbind -o ro "/$folder" "$image/$folder"; fi
  done
  mount --bind "$node" "$image/node"
  mount -t tmpfs tmpfs "$image/tmp"
  if [ "$mode" = run ]; then
    mount --bind "$data" "$image/data"
    mount -o remount,bind,ro "$image"
  fi
  exec chroot --userspec="$user" "$image" /bin/sh -euc "cd $workdir && PATH=/node:\$PATH exec \"\$@\"" sh "$@"
' sh "$@"
