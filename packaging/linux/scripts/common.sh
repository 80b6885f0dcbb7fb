#!/bin/sh
# What a package does beside putting files into place; the same for deb and rpm. @NAME@ and @USER@ are set when it is made.
set -e
name=@NAME@
user=@USER@
data=/var/lib/$name
# How much had not arrived when it was removed, and that this was said when it was to be purged. Not in the data folder: root
# writes nothing where a service could have put a link.
unsent=/etc/kentongan/$name.unsent
told=/etc/kentongan/$name.unsent-told

# The user that the service runs as, and its folders. A folder that is there stays as it is.
settle() {
    getent passwd "$user" >/dev/null ||
        useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
    for folder in "$data" "/run/$name" "/var/log/$name"; do
        [ -d "$folder" ] || install -d -o "$user" -g "$user" -m 0700 "$folder"
    done
    # Settings may hold the password of a proxy.
    chgrp "$user" "/etc/kentongan/${name#kentongan-}.toml"
    rm -f "$unsent" "$told"
}

# systemd, if it runs this machine.
manager() {
    if [ -d /run/systemd/system ]; then systemctl "$@"; fi
}

begin() { # first | again
    manager daemon-reload
    if [ "$1" = first ]; then
        manager enable --now "$name.service"
    else
        manager try-restart "$name.service"
    fi
}

end() {
    manager --no-reload disable --now "$name.service"
}

# Says how much has not arrived, and notes it; the data folder stays. Hubs send nothing.
count_unsent() {
    [ "$name" = kentongan-agent ] && [ -e "$data/store.db" ] || return 0
    status=0
    answer=$(setpriv --reuid="$user" --regid="$user" --clear-groups \
        "$name" status --wait arrived --timeout 1s --json 2>/dev/null) || status=$?
    # 0: all has arrived. 10: this PC belongs to no hub. Anything else cannot be called arrived.
    if [ "$status" = 0 ] || [ "$status" = 10 ]; then return 0; fi
    count=$(echo "$answer" | sed -n 's/.*"ops":{"written":[0-9]*,"pending":\([0-9]*\)}.*/\1/p')
    echo "${count:-?}" >"$unsent"
    cat >&2 <<WORDS
$name: ${count:-?} perubahan belum sampai di pusat. Semuanya tetap di $data dan berlanjut bila dipasang lagi.
$name: ${count:-?} changes have not arrived at the hub. All stays in $data, and goes on when installed again.
WORDS
}

# Removes everything. What has not arrived goes only when told twice: the first time fails, and says so.
purge() {
    if [ -e "$unsent" ] && [ ! -e "$told" ]; then
        : >"$told"
        cat >&2 <<WORDS
$name: $(cat "$unsent") perubahan di $data belum sampai di pusat dan akan hilang. Pasang lagi untuk mengantarnya, atau ulangi purge.
$name: $(cat "$unsent") changes in $data have not arrived at the hub and would be lost. Install again to deliver them, or purge again.
WORDS
        return 1
    fi
    rm -rf "$data" "/run/$name" "/var/log/$name"
    rm -f "$unsent" "$told"
    rmdir --ignore-fail-on-non-empty /etc/kentongan 2>/dev/null || true
}

