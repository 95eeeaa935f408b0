#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# "namespaces = deny": no workload of such a profile gets a user or mount namespace.  Programs that sandbox themselves fail or run without
# a sandbox; other programs are unaffected.
source "$(dirname "$0")/lib.sh" alone

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tree=$work/tree
mkdir -m 777 "$tree" "$tree"/{open,open/lower,open/upper,open/work,open/over,shut,shut/dir}
cd "$tree/open" || exit 1

conf() {
        cat <<CONF
[profile default]
default = allow

[profile closed]
default = allow
namespaces = $1

[rule shut]
profile = default closed
path = $tree/shut/
action = deny
CONF
}
daemon_start < <(conf deny)
EPERM=1 ENOSYS=38

closed() {
        supervised --profile=closed "$@"
}
closed_user() {
        supervised_user --profile=closed "$@"
}

namespaces=$bin/namespaces
calls=(unshare clone)
"$namespaces" int80-unshare none && calls+=(int80-unshare int80-clone)
for call in "${calls[@]}"; do
        for what in user mnt both; do
                check "root natively: $call($what) succeeds" "$namespaces" "$call" "$what"
                check "... and supervised" supervised -- "$namespaces" "$call" "$what"
                check "... with namespaces = deny it fails with EPERM" fails_with $EPERM closed -- "$namespaces" "$call" "$what"
        done
        for what in none net; do
                check "... but $call($what) succeeds there" closed -- "$namespaces" "$call" "$what"
        done
        if as_user "$namespaces" "$call" both; then
                check "a user with namespaces = deny: $call fails with EPERM" fails_with $EPERM closed_user -- "$namespaces" "$call" both
        else
                skip "a user with namespaces = deny: $call" "an unprivileged user gets no namespace here anyway"
        fi
done
setns=setns clone3=clone3
for ((i = 0; i < (${#calls[@]} > 2 ? 2 : 1); i++)); do
        check "root: $setns to a mount namespace succeeds" supervised -- "$namespaces" $setns mnt
        check "... with namespaces = deny it fails with EPERM" fails_with $EPERM closed -- "$namespaces" $setns mnt
        check "... as does $setns to a user namespace" fails_with $EPERM closed -- "$namespaces" $setns user
        check "... and to a namespace of any kind" fails_with $EPERM closed -- "$namespaces" $setns any
        check "... but not to a network namespace" closed -- "$namespaces" $setns net
        check "$clone3 fails with ENOSYS with namespaces = deny, whatever its flags: a filter cannot read them" fails_with $ENOSYS closed -- "$namespaces" $clone3 none
        check "... and succeeds with another profile" supervised -- "$namespaces" $clone3 user
        setns=int80-setns clone3=int80-clone3
done

# Programs that want namespaces.
if ! command -v bwrap >/dev/null; then
        skip "bwrap" "there is no bwrap"
elif ! as_user bwrap --bind / / true 2>/dev/null; then
        skip "bwrap" "an unprivileged user cannot use it here"
else
        check "bwrap runs without namespaces = deny" supervised_user -- bwrap --bind / / touch ran
        check "... and so does its command" rm ran
        check "... and fails with it" fails_with 1 closed_user -- bwrap --bind / / touch ran
        check "... and its command does not run" test ! -e ran
        closed_user -- bwrap --bind / / true 2>"$work/said"
        check "... bwrap says why" grep -q '^bwrap: No permissions to create new namespace' "$work/said"
        check "... the same for root" fails_with 1 closed -- bwrap --bind / / touch ran
        check "... whose command does not run either" test ! -e ran
fi
sandbox() {
        local expected=$1
        shift
        "$@" "$namespaces" sandbox sh -c 'echo ran >ran' 2>said && grep -q "^$expected" said && rm ran
}
if as_user "$namespaces" clone user; then
        check "a program that sandboxes itself as browsers do gets its sandbox without namespaces = deny" sandbox sandbox supervised_user --
fi
check "with namespaces = deny a program that sandboxes itself as browsers do runs without a sandbox" sandbox "no sandbox: Operation not permitted" closed_user --
rm -f said

# Why an administrator wants this: an overlay creates directories where its user may write, and no system call asks for them.
overlay() {
        "$@" unshare -Urm sh -c "mount -t overlay -o userxattr,lowerdir=$tree/open/lower,upperdir=$tree/shut/dir/upper,workdir=$tree/shut/dir/work \
                overlay $tree/open/over && echo changed >$tree/open/over/a/b/file"
}
ready() {
        rm -rf "$tree"/shut/dir/* "$tree/open/lower/a"
        mkdir -p "$tree/open/lower/a/b"
        echo >"$tree/open/lower/a/b/file"
        mkdir "$tree/shut/dir"/{upper,work}
        chown -R 65534:65534 "$tree/open/lower" "$tree/shut/dir"
}
ready
if overlay as_user 2>/dev/null && [ -d "$tree/shut/dir/upper/a/b" ]; then
        ready
        check "without namespaces = deny a user's overlay can be changed, and so creates directories where they are denied, as snotifyd(8) says" overlay supervised_user --
        check "... for files that are changed in it" test -d "$tree/shut/dir/upper/a/b"
        check "... and when it is mounted" test -d "$tree/shut/dir/work/work"
        ready
        check "... with namespaces = deny it cannot be mounted" fails_with 1 overlay closed_user --
        check "... and creates nothing" test -z "$(find "$tree/shut/dir" -mindepth 2)"
else
        skip "an overlay of the user" "an unprivileged user cannot mount one here"
fi

# Programs that want none.
cat >ordinary.py <<'PY'
import multiprocessing, os, subprocess, sys, threading
def run():
    subprocess.run(["true"], check=True)
threads = [threading.Thread(target=run) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
assert subprocess.run(["echo", "a"], capture_output=True, text=True).stdout == "a\n"
assert subprocess.run("exit 3", shell=True).returncode == 3
pid = os.posix_spawn("/bin/true", ["true"], os.environ)
assert os.waitpid(pid, 0)[1] == 0
with multiprocessing.Pool(3) as pool:
    assert pool.map(abs, [-1, -2]) == [1, 2]
os.makedirs("made-by-python/a/b")
PY
printf 'all: one two\none two:\n\tmkdir -p made-by-$@/a && sleep 0.01\n' >Makefile
ordinary() {
        "$@" python3 ordinary.py && "$@" sh -c 'mkdir -p made-by-sh/a; (cd made-by-sh; ls | cat; true & wait); test -d made-by-sh/a' &&
                "$@" rm -rf made-by-python made-by-sh
}
for who in closed closed_user; do
        chmod 777 .
        check "$who: with namespaces = deny sh and python's threads, processes and posix_spawn work" ordinary $who --
        ! command -v make >/dev/null || check "$who: ... and make" $who -- make -sj4
        ! command -v git >/dev/null || check "$who: ... and git" $who -- sh -c 'git init -q repository && cd repository && echo a >a && git add a &&
                git -c user.name=a -c user.email=a@b commit -qm a && git gc -q && git clone -q . ../clone'
        check "$who: ... and what they have created can be removed" rm -rf made-by-one made-by-two repository clone
done

# A session keeps the filter with which it began.
mkfifo -m 666 go
closed -- sh -c 'read -r _ <go; exec "$@"' - "$namespaces" unshare mnt &
old=$!
wait_for grep -qx sh "/proc/$old/comm"
conf allow >"$work/conf"
kill -HUP "$daemon_pid"
check "a reload sets namespaces = allow" logged "policy generation 2"
echo >go
wait $old
check "... a session that began before still gets no namespace" test $? = $EPERM
check "... a new session does" closed -- "$namespaces" unshare mnt

check "no record reports trouble" fails_with 1 grep '^trouble' "$work/log"
stop_and_finish
