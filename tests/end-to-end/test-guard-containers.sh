#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Overlays under the guard.  Those of the host and of its administrator work as natively: creating in lower directories, copying up,
# whiteouts; and the rules hold there.  An overlay that a workload mounts itself needs "private = allow", or a profile that denies nothing.
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/guard.sh"

export LC_ALL=C
PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
overlay=$work/overlay
export overlay
guarded_start <<CONF
[profile default]
default = allow
guard = require

[rule denied]
path = /tmp/*/overlay/*/merged/denied
action = deny

[rule denied-upper]
path = /tmp/*/overlay/*/upper/shut/
action = deny

[rule denied-inside]
path = /forbidden
action = deny

[rule denied-in-storage]
path = /tmp/*/storage/overlay/*/merged/srv/denied
action = deny

[profile private]
default = allow
guard = require
private = allow

[rule private-denied]
profile = private
path = /tmp/*/overlay/*/merged/denied
action = deny

[profile open]
default = allow
guard = require
CONF
finish_all() {
        umount -l "$overlay"/*/merged "$work"/storage/overlay/*/merged "$work/storage/overlay" "$overlay" "$work/scratch" 2>/dev/null
        cleanup
}
trap finish_all EXIT

# A file system of its own: that of /tmp may be an overlay or unable to hold an upper directory.
mkdir "$work/scratch"
mount -t tmpfs -o mode=755 tmpfs "$work/scratch" || skip_all "cannot mount a tmpfs here"
mkdir "$work/scratch/overlay"
mkdir -p "$overlay"
mount --bind "$work/scratch/overlay" "$overlay"

# layers NAME: lower and upper directories, for any user.
layers() {
        local at=$overlay/$1 n
        rm -rf "$at"
        mkdir -p "$at"/{upper,work,merged}
        for n in 1 2 3 4 5 6; do
                mkdir -p "$at/lower/low$n/a/b"
                echo low >"$at/lower/low$n/a/b/file"
        done
        mkdir -p "$at/lower/shut"
        echo low >"$at/lower/shut/file"
        chown -R 65534:65534 "$at"
}
options() {
        echo "lowerdir=$overlay/$1/lower,upperdir=$overlay/$1/upper,workdir=$overlay/$1/work"
}

# Works in an overlay, and prints how each step ends.
cat >"$bin/work-in-overlay" <<'SH'
#!/bin/bash
cd "$1" || exit
step() {
        local said status
        said=$("$@" 2>&1)
        status=$?
        echo "$*: $status ${said##*: }"
}
step mkdir new
step mkdir new/in
step mkdir low1/in-lower
step mkdir low2/a/b/three-deep
step mkdir low2/a/b/three-deep/in
step sh -c 'echo more >>low3/a/b/file'
step chmod 711 low4/a/b
step rm -r low4/a
step mkdir low4/a
step rm low5/a/b/file
step rmdir low5/a/b
step rm -r low5
step mkdir low5
step mkdir low5/again
step mv new renamed
step mv low5 moved
step mv low6 gone
step sh -c 'mkdir whites && cd whites && touch f && rm f && cd .. && rmdir whites'
step rmdir low1/in-lower
step mkdir new
step mkdir new
step mkdir missing/x
step rm -r low2 low3
find . | sort | md5sum
find . -type f -exec cat {} +
SH
chmod 755 "$bin/work-in-overlay"

# as_natively NAME COMMAND...: the command works in an overlay "NAME" with the results that it has natively.
as_natively() {
        local name=$1
        shift
        mounted "$name" && "$bin/work-in-overlay" "$overlay/$name/merged" >"$work/native" 2>&1 || return
        mounted "$name" && "$@" "$bin/work-in-overlay" "$overlay/$name/merged" >"$work/guarded" 2>&1
        unmounted "$name"
        grep -q 'mkdir low2/a/b/three-deep: 0' "$work/native" && diff "$work/native" "$work/guarded"
}
mounted() {
        unmounted "$1"
        layers "$1"
        mount -t overlay overlay -o "$(options "$1")" "$overlay/$1/merged"
}
unmounted() {
        ! mountpoint -q "$overlay/$1/merged" || umount -l "$overlay/$1/merged"
}
denied() {
        local out
        out=$(LC_ALL=C "$@" 2>&1) && { echo "it was created"; return 1; }
        [[ $out == *"Operation not permitted"* ]] || { echo "$out"; return 1; }
}

mounted host || skip_all "cannot mount an overlay here"
check "root: an overlay of the host works as natively" as_natively host supervised --
check "a user: an overlay of the host works as natively" as_natively host supervised_user --
mounted host
mkdir "$overlay/host/upper/shut"
check "... and rules hold for its paths" denied supervised -- mkdir "$overlay/host/merged/denied"
check "... by another name of the overlay, too" denied supervised -- unshare -m sh -c 'mount --bind "$1" /mnt && mkdir /mnt/denied' sh "$overlay/host/merged"
elsewhere() {
        mkdir -p "$overlay/elsewhere"
        # shellcheck disable=SC2016
        supervised -- unshare -m sh -c 'mount --bind "$1" "$2" && mkdir "$2/allowed" && mount --bind "$1/low1/a" "$2" && mkdir "$2/b/allowed"' sh \
                "$overlay/host/merged" "$overlay/elsewhere" && [ -d "$overlay/host/upper/allowed" ] && [ -d "$overlay/host/upper/low1/a/b/allowed" ]
}
check "... what they allow is allowed by another name, too" elsewhere
check "... and what is denied in the upper directory by its own path stays denied there" denied supervised -- mkdir "$overlay/host/upper/shut/x"
unmounted host

### As a service does that layers images, such as Docker: root mounts overlays in mount namespaces of the session.
cat >"$bin/layer" <<'SH'
#!/bin/bash
# layer OPTIONS MERGED: mounts, and works there.
mount -t overlay overlay -o "$1" "$2" || exit
exec work-in-overlay "$2"
SH
chmod 755 "$bin/layer"
layered() {
        layers docker
        unshare -m "$bin/layer" "$(options docker)$1" "$overlay/docker/merged" >"$work/native" 2>&1
        layers docker
        supervised "--profile=${2-default}" -- unshare -m "$bin/layer" "$(options docker)$1" "$overlay/docker/merged" >"$work/guarded" 2>&1
        grep -q 'mkdir low2/a/b/three-deep: 0' "$work/native" && diff "$work/native" "$work/guarded"
}
mounted_inside() {
        mounted host && "$bin/work-in-overlay" "$overlay/host/merged" >"$work/native" 2>&1
        unmounted host
        layers host
        supervised -- layer "$(options host)" "$overlay/host/merged" >"$work/guarded" 2>&1
        unmounted host
        diff "$work/native" "$work/guarded"
}
check "root: an overlay that the session mounts in the host's mount namespace works as natively" mounted_inside
for more in ,index=off ,metacopy=on,redirect_dir=on; do
        check "root: in a mount namespace of its own, with options \"$more\", and a profile that denies nothing" layered "$more" open
        check "... or says private = allow" layered "$more" private
done

### A workload's own overlay, in a user namespace.
own() {
        local profile=$1
        shift
        layers own
        supervised_user "--profile=$profile" -- unshare -Urm "$bin/layer" "$(options own),userxattr" "$overlay/own/merged" "$@" >"$work/guarded" 2>&1
}
layers own
if as_user unshare -Urm "$bin/layer" "$(options own),userxattr" "$overlay/own/merged" >"$work/native" 2>&1 &&
        grep -q 'mkdir low2/a/b/three-deep: 0' "$work/native"; then
        for profile in open private; do
                check "a user's own overlay works as natively, profile $profile" eval "own $profile && diff '$work/native' '$work/guarded'"
        done
        check "... and is not let through by a profile that denies something" eval "own default; ! grep -q 'mkdir low2/a/b/three-deep: 0' '$work/guarded'"
        check "... with a record that names the overlay" logged "the guard refused a directory"
        check "... and the key that helps" logged "private = allow"
        check "... nothing was created below" test ! -e "$overlay/own/upper/low2"
        # The upper directory has a denied part: whatever the profile, its own path is denied; so is its overlay.
        own_shut() {
                layers own
                supervised_user -- unshare -Urm sh -c 'mount -t overlay overlay -o "$1,userxattr" "$2"; mkdir "$2/shut/x"; echo >>"$2/shut/file"' sh \
                        "$(options own)" "$overlay/own/merged" >/dev/null 2>&1
                [ ! -e "$overlay/own/upper/shut" ]
        }
        check "... nor a directory that is denied in the upper one" own_shut
else
        skip "a user's own overlay" "an unprivileged user cannot mount one here: $(tail -n 1 "$work/native")"
fi

### podman(1), with an image that is made of this machine's own programs.
image_tree() {
        local program library
        mkdir -p "$1"/{bin,proc,sys,dev,tmp,etc,srv/low/a/b} || return
        for program in bash mkdir rm rmdir mv ls find sort md5sum cat chmod touch; do
                program=$(command -v $program)
                cp "$program" "$1/bin/"
                for library in $(ldd "$program" | grep -o '/[^ ]*'); do
                        mkdir -p "$1${library%/*}"
                        cp -n "$library" "$1$library"
                done
        done
        ln -s bash "$1/bin/sh"
        mkdir -p "$1/srv/merged"/{low1,low2/a/b,low3/a/b,low4/a/b,low5/a/b,low6}
        for program in 2 3 4 5; do
                echo low >"$1/srv/merged/low$program/a/b/file"
        done
        cp "$bin/work-in-overlay" "$1/bin/"
}
# podman_of STORAGE ARG...
podman_of() {
        local storage=$1
        shift
        podman --root "$storage" --runroot "$storage.run" --storage-driver overlay --cgroup-manager cgroupfs --events-backend none "$@"
}
export -f podman_of
in_container=(--rm --network none --cgroups disabled --security-opt seccomp=unconfined image)
run_container() {
        podman_of "$work/storage" run "${in_container[@]}" "$@" 2>&1
}
if command -v podman crun >/dev/null && image_tree "$work/image" &&
        tar -C "$work/image" -c . | podman_of "$work/storage" import - image >"$work/podman" 2>&1 &&
        run_container work-in-overlay /srv/merged >"$work/native" && grep -q 'mkdir low2/a/b/three-deep: 0' "$work/native"; then
        guarded_container() {
                local profile=$1
                shift
                supervised "--profile=$profile" -- bash -c 'podman_of "$@"' bash "$work/storage" run "${in_container[@]}" "$@" 2>&1
        }
        for profile in open default; do
                check "podman as root with overlays, as natively, profile $profile" \
                        eval "guarded_container $profile work-in-overlay /srv/merged >'$work/guarded'; diff '$work/native' '$work/guarded'"
        done
        check "... a rule for the path that the host has denies" denied guarded_container default mkdir /srv/denied
        check "... a rule for the path that the container has denies" denied guarded_container default mkdir /forbidden
        check "... other directories are created" guarded_container default mkdir -p /srv/other/x /usr/share/low
        check "... an image is committed and removed" supervised -- bash -c 'podman_of "$1" run --network none --cgroups disabled \
                        --security-opt seccomp=unconfined --name made image mkdir /made && podman_of "$1" commit -q made second &&
                podman_of "$1" rm made && podman_of "$1" run --rm --network none --cgroups disabled --security-opt seccomp=unconfined second ls -d /made &&
                podman_of "$1" rmi second' bash "$work/storage"
else
        skip "podman as root" "it does not work here: $(tail -n 1 "$work/podman" 2>/dev/null) $(tail -n 1 "$work/native")"
fi

# rootless DIRECTORY: imports DIRECTORY.tar and runs it, without newuidmap(1), which no_new_privs forbids.
cat >"$bin/rootless" <<'SH'
#!/bin/bash
export HOME=$1/home XDG_RUNTIME_DIR=$1/run
podman="podman --cgroup-manager cgroupfs --events-backend none"
mkdir -p "$HOME/.config/containers" "$XDG_RUNTIME_DIR" || exit
printf '[storage]\ndriver = "overlay"\n[storage.options]\nignore_chown_errors = "true"\n' >"$HOME/.config/containers/storage.conf"
cd "$HOME" || exit
$podman import - image <"$1.tar" >/dev/null 2>&1
$podman run --rm --network none --cgroups disabled --security-opt seccomp=unconfined image work-in-overlay /srv/merged
status=$?
$podman system migrate >/dev/null 2>&1
exit $status
SH
chmod 755 "$bin/rootless"
# as_rootless NAME [LAUNCHER...]
as_rootless() {
        local at=$work/rootless/$1
        shift
        mkdir -m 777 "$at" && ln "$work/rootless/image.tar" "$at.tar"
        timeout 300 setpriv --reuid=65534 --regid=65534 --clear-groups "$@" rootless "$at"
}
if [ -d "$work/image" ] && mkdir -m 755 "$work/rootless" && tar -C "$work/image" -cf "$work/rootless/image.tar" . &&
        as_rootless native >"$work/native" 2>"$work/rootless.log" && grep -q 'mkdir low2/a/b/three-deep: 0' "$work/native"; then
        for profile in open private; do
                check "rootless podman as natively, profile $profile" \
                        eval "as_rootless $profile '$SNOTIFY_RUN' --socket '$socket' --profile=$profile -- >'$work/guarded' 2>&1; diff '$work/native' '$work/guarded'"
        done
else
        skip "rootless podman" "it does not work here: $(tail -n 1 "$work/rootless.log" 2>/dev/null)"
fi

check_no_trouble
stop_and_finish
