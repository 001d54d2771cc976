#!/bin/sh
# A package of Debian's on a copy of this machine, which ends with the script; run by tests/deploy/test_debian.py.
# usage, as root: unshare --mount --net --pid --fork debian_machine.sh FOLDER PACKAGE. Each line of its output is one finding.
# Exit code 77: no such copy can be made here.
set -eu
folder=$1
mount --make-rprivate /
mount -t tmpfs none "$folder" || exit 77
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root" || exit 77
mount -t proc proc "$folder/root/proc"
mount --rbind /dev "$folder/root/dev"
mkdir -p "$folder/root/opt/package"
cp "$2" "$folder/root/opt/package/"
ip link set lo up

clean="/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8"
# shellcheck disable=SC2086 # words
inside() { chroot "$folder/root" $clean "$@"; }
# What was added, changed or removed; not what dpkg, man and systemd write for themselves.
changed() {
    cd "$folder/upper"
    find . -path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./var/cache -prune -o -path ./run -prune -o ! -type d -print | sort
    cd /
}

changed >"$folder/before"
inside dpkg --force-unsafe-io --path-include='/usr/share/*' --install "/opt/package/$(basename "$2")" >&2
echo "installed: $(inside dpkg-query --show --showformat='${Status} ${Version}' mx-exporter)"
echo "version: $(inside mx-exporter --version)"
echo "man: $(inside man --where mx-exporter)"
echo "completion: $(inside bash -c '. /usr/share/bash-completion/completions/mx-exporter; complete -p mx-exporter')"
echo "enabled: $(inside readlink /etc/systemd/system/multi-user.target.wants/mx-exporter.service)"
echo "compiled: $(inside find /usr/lib/mx-exporter -name 'monitor.cpython-*.pyc' | wc -l)"
echo "verified: $(inside systemd-analyze verify --recursive-errors=no mx-exporter.service 2>&1 && echo yes)"

# The unit's own command, as a user who may write nowhere.
start=$(sed -n 's/^ExecStart=//p' "$folder/root/lib/systemd/system/mx-exporter.service")
# shellcheck disable=SC2086 # words
chroot "$folder/root" $clean setpriv --reuid=65533 --regid=65533 --clear-groups --no-new-privs \
    sh -c ". /etc/default/mx-exporter; exec $start" 2>"$folder/log" &
server=$!
# shellcheck disable=SC2016 # Python's
inside /usr/bin/python3 -c '
import time, urllib.request
for left in range(300, -1, -1):
    try:
        print("served:", urllib.request.urlopen("http://127.0.0.1:10225/metrics").read().count(b"mx_exporter_build_info{"))
        break
    except OSError:
        if not left:
            raise
        time.sleep(0.1)
' || cat "$folder/log" >&2
kill "$server"
wait "$server" && echo "stopped: 0"

mkdir -p "$folder/root/var/lib/private/mx-exporter" "$folder/root/var/lib/private/mx-exporter@0"
ln -s private/mx-exporter "$folder/root/var/lib/mx-exporter"
ln -s private/mx-exporter@0 "$folder/root/var/lib/mx-exporter@0"
echo "# mine" >>"$folder/root/etc/mx-exporter/config.yaml"
inside dpkg --remove mx-exporter >&2
echo "kept: $(tail -n 1 "$folder/root/etc/mx-exporter/config.yaml") $(inside readlink /var/lib/mx-exporter)"
inside dpkg --purge mx-exporter >&2
changed | diff "$folder/before" - | sed 's/^/left: /'
for place in etc/mx-exporter usr/lib/mx-exporter usr/share/doc/mx-exporter var/lib/private/mx-exporter var/lib/private/mx-exporter@0; do
    [ ! -e "$folder/root/$place" ] || echo "left: $place"
done
