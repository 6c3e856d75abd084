#!/bin/sh
# in-container.sh IMAGE DATA NODE USER WORKDIR COMMAND…: runs a command as a container would, without Docker: its own
# root, read-only but for /data and /tmp, another user, this machine's system libraries. Needs root.
set -eu
image=$1 data=$2 node=$3 user=$4 workdir=$5
shift 5
exec unshare --mount --propagation private sh -euc '
  image=$1 data=$2 node=$3 user=$4 workdir=$5
  shift 5
  for folder in usr bin lib lib64 etc dev proc tmp data node; do mkdir -p "$image/$folder"; done
  mount --bind "$image" "$image"
  for folder in usr bin lib lib64 etc dev proc; do
    if [ -d "/$folder" ]; then mount --rbind -o ro "/$folder" "$image/$folder"; fi
  done
  mount --bind "$node" "$image/node"
  mount --bind "$data" "$image/data"
  mount -t tmpfs tmpfs "$image/tmp"
  mount -o remount,bind,ro "$image"
  exec chroot --userspec="$user" "$image" /bin/sh -euc "cd $workdir && PATH=/node:\$PATH exec \"\$@\"" sh "$@"
' sh "$image" "$data" "$node" "$user" "$workdir" "$@"
