#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real programs have the same results supervised as natively (their exit status, and the path, type, mode, owner and link of each file):
# for root, for a user, and in a user's namespaces, with the launcher outside of them or inside.
# shellcheck disable=SC2016
source "$(dirname "$0")/lib.sh" alone

export LC_ALL=C.UTF-8
# So that unprivileged users find the programs.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
here=$SOURCE_ROOT/tests/end-to-end
input=$work/input
place=$work/place
user=(setpriv --reuid=65534 --regid=65534 --groups="65534,60001")
# A sandbox that shows little of the host.
wrap=(bwrap --unshare-all --die-with-parent --ro-bind /usr /usr --ro-bind /etc /etc --symlink usr/bin /bin --symlink usr/lib /lib
        --symlink usr/lib64 /lib64 --symlink usr/sbin /sbin --proc /proc --dev /dev --tmpfs /tmp --tmpfs /var/tmp
        --ro-bind "$input" "$input" --bind "$place" "$place" --chdir "$place")
mkdir "$input" "$place"

daemon_start <<'CONF'
[limits]
records-per-second = 1000000

[profile default]
default = allow
log = all
CONF

### The settings.
everywhere="root user bwrap unshare launcher-in-bwrap launcher-in-unshare"
outside_and_inside="root user bwrap launcher-in-unshare"

# setting NAME: sets owner, the user that a program runs as, and the commands outside, which runs the launcher, and inside, which the
# launcher runs and which runs the program.
setting() {
        owner=65534
        outside=("${user[@]}")
        inside=()
        case $1 in
        root)
                owner=0
                outside=()
                ;;
        user) ;;
        bwrap) inside=("${wrap[@]}") ;;
        unshare) inside=(unshare -Ur) ;;
        launcher-in-bwrap) outside+=("${wrap[@]}" --ro-bind "$bin" "$bin" --ro-bind "$socket" "$socket") ;;
        launcher-in-unshare) outside+=(unshare -Ur) ;;
        esac
}

possible=" "
for name in $everywhere; do
        setting "$name"
        if "${outside[@]}" "${inside[@]}" true 2>/dev/null; then
                possible+="$name "
        else
                skip "programs in the setting $name" "an unprivileged user cannot set it up here"
        fi
done

### The runs.
# run COMMAND [LAUNCHER...]: runs it in an empty directory.  Prints its output and its exit status.
run() {
        local command=$1
        shift
        rm -rf "$place"
        mkdir "$place"
        chown "$owner:$owner" "$place"
        (
                cd "$place" && umask 027 && timeout 120 "${outside[@]}" "$@" "${inside[@]}" \
                        env -i PATH="$PATH" HOME="$place" LC_ALL="$LC_ALL" input="$input" sh -euc "$command"
        ) </dev/null 2>&1
        echo "exit status $?"
}

survey() {
        find "$place" -mindepth 1 -printf '%P %y %m %U:%G %l\n' | sort
}

# recorded SIZE N: behind the first SIZE bytes the log has records of N allowed calls or more.
recorded() {
        local size=$1 directories=$2
        [ "$(tail -c +$((size + 1)) "$work/log" | grep -cE "^allowed mkdir(at)?\(\"$place/")" -ge "$directories" ]
}

same() {
        local command=$2 owner outside inside directories size
        setting "$1"
        run "$command" >"$work/native"
        survey >"$work/native.tree"
        directories=$(grep -c '^[^ ]* d ' "$work/native.tree")
        grep -qx 'exit status 0' "$work/native" && [ "$directories" -gt 0 ] ||
                { echo "natively, $directories directories:"; cat "$work/native"; return 1; }
        size=$(stat -c %s "$work/log")
        run "$command" "$SNOTIFY_RUN" --socket "$socket" -- >"$work/supervised"
        survey >"$work/supervised.tree"
        grep -qx 'exit status 0' "$work/supervised" || { echo "supervised:"; cat "$work/supervised"; return 1; }
        diff -U0 "$work/native.tree" "$work/supervised.tree" || return 1
        wait_for recorded "$size" "$directories" || { echo "$directories directories, not all with a record"; return 1; }
}

prepared() {
        here=$here work=$work bash -euc "$(declare -f "$1"); cd '$input'; $1"
}

# program NAME SETTINGS TOOLS COMMAND [PREPARE]: compares the command's results in each of the settings that are possible here.  The
# function PREPARE creates its input in the working directory, which is $input for the COMMAND.
program() {
        local name=$1 settings=$2 tools=$3 command=$4 tool setting
        shift 4
        for tool in $tools; do
                command -v "$tool" >/dev/null || { skip "$name" "$tool is not installed"; return; }
        done
        [ $# = 0 ] || check "$name: its input can be created" prepared "$1"
        for setting in $settings; do
                [[ $possible != *" $setting "* ]] || check "$name, $setting: the same results as natively" same "$setting" "$command"
        done
}

### The programs.
# Files and directories with all kinds of modes.  They belong to the user, who is root in a user namespace.
tree() {
        local modes="700 711 1777 2775 555" mode name
        mkdir -p tree/{1,2,3,4,5}/{a,b,c}/deep
        for mode in $modes; do
                mkdir -p tree/"$mode"/{in,empty}
        done
        find tree -type d -exec sh -c 'for name; do echo content >"$name/file"; done' - {} +
        chmod 640 tree/1/file
        chmod 755 tree/2/file
        ln -s ../1 tree/2/link
        ln tree/3/file tree/4/hard-link
        chown -hR 65534:65534 tree
        for mode in $modes; do
                chmod "$mode" tree/"$mode" tree/"$mode"/empty
        done
}
program "cp -a" "$everywhere" cp 'cp -a "$input/tree" copy' tree

tarballs() {
        tar --owner=0 --group=0 -cf tree.tar tree
        tar --numeric-owner -cf owned.tar tree
}
program "tar" "$everywhere" tar 'tar -xpf "$input/tree.tar"' tarballs
program "tar, files of another owner" root tar 'tar -xf "$input/owned.tar"'

program "rsync -a" "$everywhere" rsync 'rsync -a "$input/tree" copy && rsync -aR "$input/./tree/2" other'

zipped() {
        python3 -m zipfile -c tree.zip tree
}
program "unzip" "$everywhere" "unzip python3" 'unzip -q "$input/tree.zip"' zipped

package() {
        mkdir -p deb/{DEBIAN,usr/share}
        cp -a tree deb/usr/share/
        printf '%s\n' "Package: tree" "Version: 1" "Architecture: all" "Maintainer: nobody" "Description: a tree" >deb/DEBIAN/control
        dpkg-deb --root-owner-group -b deb tree.deb
}
program "dpkg-deb -x" "$everywhere" dpkg-deb 'dpkg-deb -x "$input/tree.deb" unpacked' package

repository() {
        git init -q repository
        cp -a tree repository/
        git -C repository add .
        git -C repository -c user.name=nobody -c user.email=nobody@localhost commit -q -m "Add a tree"
        printf '[safe]\n\tdirectory = *\n' >gitconfig
}
program "git clone" "$everywhere" git 'export GIT_CONFIG_GLOBAL="$input/gitconfig"
        git clone -q "$input/repository" local && git clone -q "file://$input/repository" packed' repository

program "mkdir -p through xargs -P" "$everywhere" "xargs mkdir" \
        'seq 200 | sed "s|\(.*\)\(.\)|by-last/\2/of/all/\1-|" | xargs -P 16 -n 7 mkdir -p'

go_build() {
        HOME=$work GOCACHE=$work/go-cache GO111MODULE=off CGO_ENABLED=0 go build -o dirs "$here/dirs.go"
}
program "a Go program" "$everywhere" go '"$input/dirs"' go_build

# By the compiler's module, for a runtime without javac.  Without -XX:-UsePerfData java writes to /tmp.
java_compile() {
        java -XX:-UsePerfData -m jdk.compiler/com.sun.tools.javac.Main -d . "$here/Dirs.java"
}
program "a JVM program" "$everywhere" java 'java -XX:-UsePerfData -cp "$input" Dirs' java_compile

program "python3 -m venv --without-pip" "$everywhere" python3 'python3 -m venv --without-pip venv'
program "python3 -m venv" user python3 'python3 -m venv venv'

modules() {
        local name
        for name in one two; do
                mkdir -p "$name"/package/lib/{a,b,c}/d
                find "$name"/package/lib -type d -exec touch {}/index.js \;
                printf '{ "name": "%s", "version": "1.0.0", "bin": "lib/index.js" }\n' "$name" >"$name"/package/package.json
                tar -C "$name" --owner=0 --group=0 -czf "$name".tgz package
        done
}
# libuv creates directories by io_uring if it can.
program "npm install" "$outside_and_inside" npm 'export UV_USE_IO_URING=1
        npm install --offline --no-audit --no-fund --no-update-notifier --logs-max=0 "$input/one.tgz" "$input/two.tgz"' modules

c_project() {
        mkdir -p project/sub
        echo 'int main(void) { return 0; }' | tee project/main.c >project/sub/main.c
        printf '%s\n' 'cmake_minimum_required(VERSION 3.13)' 'project(p C)' 'add_executable(p main.c)' 'add_subdirectory(sub)' \
                'install(TARGETS p DESTINATION libexec/p)' >project/CMakeLists.txt
        echo 'add_executable(s main.c)' >project/sub/CMakeLists.txt
        printf '%s\n' "project('p', 'c')" "executable('p', 'main.c', install: true, install_dir: 'libexec/p')" "subdir('sub')" \
                >project/meson.build
        echo "executable('s', 'main.c')" >project/sub/meson.build
}
program "cmake" "$outside_and_inside" "cmake ninja cc" \
        'cmake -G Ninja "$input/project" -B build && cmake --build build && DESTDIR="$PWD/root" cmake --install build' c_project
program "meson" "$outside_and_inside" "meson ninja cc" \
        'meson setup build "$input/project" && ninja -C build && DESTDIR="$PWD/root" meson install -C build' c_project

# initdb refuses to run as root, and as a user that is not in /etc/passwd.
initdb=$(find /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
program "initdb" "user bwrap" "${initdb:-initdb}" "${initdb:-initdb} -D data -A trust --no-sync --no-locale"

check_no_trouble
stop_and_finish
