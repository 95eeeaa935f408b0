#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Invalid configurations and command lines, with the real binary.  --check-config and a daemon that starts refuse an invalid configuration
# with file, line and exit status 1, and that daemon leaves nothing behind; a running daemon keeps its configuration.
source "$(dirname "$0")/lib.sh" alone

profile=$'[profile default]\n'
rule=$'[rule a]\npath = /srv/a/\naction = allow\n'

# wrong WHAT LINE TEXT: the configuration on stdin is refused at LINE (0 for none) with a message that contains TEXT.
wrong() {
        local what=$1 line=$2 text=$3
        cat >"$work/wrong.conf"
        check "refused: $what" refused "$work/wrong.conf" "$line" "$text"
}

# refused PLACE LINE TEXT [FILE]: the configuration FILE (or PLACE) is refused, with PLACE and LINE in the message.
refused() {
        local file=${4-$1} line=$2 text=$3 output place=$1
        [ "$line" = 0 ] || place=$file:$line
        output=$(timeout 10 "$SNOTIFYD" --check-config "$file" 2>&1)
        [ $? = 1 ] || { echo "exit status is not 1: $output"; return 1; }
        grep -qF -- "$place: " <<<"$output" || { echo "no \"$place: \" in: $output"; return 1; }
        grep -F -- "$place: " <<<"$output" | grep -qF -- "$text" || { echo "no \"$text\" in: $output"; return 1; }

        output=$(timeout 10 "$SNOTIFYD" --config "$file" --socket "$socket" --log-target=stderr 2>&1)
        [ $? = 1 ] || { echo "the daemon's exit status is not 1: $output"; return 1; }
        grep -qF -- "$place: " <<<"$output" || { echo "the daemon says: $output"; return 1; }
        [ ! -e "$socket" ] || { echo "it has left a socket behind"; rm "$socket"; return 1; }
}

# A copy, because a checkout may belong to any user.
cp "$SOURCE_ROOT/conf/snotify.conf" "$work/good.conf"
check "the shipped configuration is valid" "$SNOTIFYD" --check-config "$work/good.conf"
accepts() {
        [ "$("$SNOTIFYD" --check-config="$1" 2>&1)" = "$1: OK" ]
}
check "... and --check-config prints OK" accepts "$work/good.conf"

wrong "an empty file" 0 "no [profile NAME] section" </dev/null
wrong "no profile" 0 "no [profile NAME] section" <<<"$rule"
wrong "an unknown section" 2 "unknown section [profil x]" <<<"${profile}[profil x]"
wrong "a section without a name" 2 "[rule] without a name" <<<"${profile}[rule]"
wrong "a bad name" 2 "name 'a/b'" <<<"${profile}[rule a/b]"
wrong "a long name" 2 "longer than 40 bytes" <<<"${profile}[rule $(printf 'n%.0s' {1..41})]"
wrong "a section twice" 5 "already defined at" <<<"${profile}${rule}[rule a]"
wrong "a profile twice" 2 "already defined at" <<<"$profile$profile"
wrong "an unknown key in a profile" 2 "unknown key 'defualt'" <<<"${profile}defualt = deny"
wrong "an unknown key in a rule" 5 "unknown key 'paht'" <<<"$profile${rule}paht = /x"
wrong "a key of the other kind of section" 2 "unknown key 'path'" <<<"${profile}path = /x"
wrong "a key twice" 5 "key 'path' is already set at" <<<"$profile${rule}path = /srv/b"
wrong "a key before any section" 1 "before any [section]" <<<"default = deny"
wrong "a line without =" 2 "" <<<"${profile}default deny"
wrong "an unclosed section" 1 "" <<<"[profile default"
wrong "a bad default" 2 "maybe" <<<"${profile}default = maybe"
wrong "a bad action" 4 "permit" <<<"$profile"$'[rule a]\npath = /a\naction = permit'
wrong "a bad errno" 2 "EWRONG" <<<"${profile}errno = EWRONG"
wrong "an errno that is a number" 2 "13" <<<"${profile}errno = 13"
wrong "a bad log" 2 "some" <<<"${profile}log = some"
wrong "a bad delay" 5 "soon" <<<"$profile${rule}delay = soon"
wrong "a negative delay" 5 "-1s" <<<"$profile${rule}delay = -1s"
wrong "a long delay" 5 "2h" <<<"$profile${rule}delay = 2h"
wrong "an empty value" 2 "default" <<<"${profile}default ="
wrong "a rule without a path" 2 "path" <<<"$profile"$'[rule a]\naction = allow'
wrong "a rule without an action" 2 "no action" <<<"$profile"$'[rule a]\npath = /a'
wrong "a relative path" 3 "srv/a" <<<"$profile"$'[rule a]\npath = srv/a\naction = allow'
wrong "a path with .." 3 "/srv/../a" <<<"$profile"$'[rule a]\npath = /srv/../a\naction = allow'
wrong "a path with ." 3 "/srv/./a" <<<"$profile"$'[rule a]\npath = /srv/./a\naction = allow'
wrong "a path with an empty component" 3 "/srv//a" <<<"$profile"$'[rule a]\npath = /srv//a\naction = allow'
wrong "a path with * in a component" 3 "/srv/a*" <<<"$profile"$'[rule a]\npath = /srv/a*\naction = allow'
wrong "two rules for one path" 6 "" <<<"$profile$rule"$'[rule b]\npath = /srv/a/\naction = deny'
wrong "a rule of no profile" 5 "there is no [profile nowhere]" <<<"$profile${rule}profile = nowhere"
wrong "an empty list of profiles" 5 "'profile' is empty" <<<"$profile${rule}profile ="
wrong "a line of 1 MiB" 2 "" < <(printf '%sdefault = ' "$profile"; head -c 1048576 /dev/zero | tr '\0' x; echo)
wrong "a NUL byte" 2 "" < <(printf '%sdefault = de\0ny\n' "$profile")
wrong "a NUL byte alone" 1 "" < <(printf '\0\n')
wrong "not text" 1 "" < <(printf '\x7fELF\x02\x01\x01\n')

wrong "a limit out of bounds" 3 "sessions must be a number from 1 to 1000, not '0'" <<<"$profile"$'[limits]\nsessions = 0'
wrong "an unknown limit" 3 "unknown key 'workers' in [limits]" <<<"$profile"$'[limits]\nworkers = 17'
wrong "limits with a name" 2 "write [limits]" <<<"${profile}[limits all]"

check "refused: a file that does not exist" refused "$work/nowhere.conf" 0 "No such file or directory"
check "refused: a directory" refused "$work" 0 "directory"
ln -s circular.conf "$work/circular.conf"
check "refused: a circular symbolic link" refused "$work/circular.conf" 0 "symbolic links"
mkfifo "$work/fifo.conf"
check "refused: a FIFO" refused "$work/fifo.conf" 0 ""
check "refused: a device" refused /dev/zero 0 ""
echo "$profile" >"$work/unreadable.conf"
chmod 0 "$work/unreadable.conf"
unreadable() {
        local output
        cp "$SNOTIFYD" "$bin/snotifyd"
        output=$(as_user "$bin/snotifyd" --check-config "$work/unreadable.conf" 2>&1)
        [ $? = 1 ] && grep -qF "$work/unreadable.conf: " <<<"$output" && grep -q 'Permission denied' <<<"$output" ||
                { echo "it says: $output"; return 1; }
}
check "refused: an unreadable file" unreadable

# Files that other users can change.
for mode in 664 646; do
        echo "$profile" >"$work/mode-$mode.conf"
        chmod $mode "$work/mode-$mode.conf"
        check "refused: a file of mode $mode" refused "$work/mode-$mode.conf" 0 "is writable by others; chmod go-w $work/mode-$mode.conf"
done
echo "$profile" >"$work/foreign.conf"
chown 65534 "$work/foreign.conf"
check "refused: a file of another user" refused "$work/foreign.conf" 0 "belongs to another user, who can change it; chown root"
ln -s foreign.conf "$work/link.conf"
check "... also through a symbolic link" refused "$work/link.conf" 0 "belongs to another user"
echo "$profile" >"$work/open.conf"
mkdir "$work/open.conf.d"
chmod 1777 "$work/open.conf.d"
check "refused: a directory of drop-ins that other users can write to" refused "$work/open.conf.d" 0 "is writable by others" "$work/open.conf"
mkdir -m 777 "$work/common"
echo "$profile" >"$work/common/conf"
check "refused: a file in a directory in which other users can replace it" refused "$work/common" 0 "is writable by others" "$work/common/conf"
mkdir "$work/own"
echo "$profile" >"$work/own/conf"
chown -R 65534 "$work/own"
accepts_as_user() {
        cp "$SNOTIFYD" "$bin/snotifyd"
        [ "$(as_user "$bin/snotifyd" --check-config "$1" 2>&1)" = "$1: OK" ]
}
check "a user can check a file of their own" accepts_as_user "$work/own/conf"
check "... which root refuses" refused "$work/own/conf" 0 "belongs to another user"

# A user that does not exist any more.
printf '%susers = no-such-user 65534\n' "$profile" >"$work/removed.conf"
warns() {
        local output
        output=$("$SNOTIFYD" --check-config "$work/removed.conf" 2>&1) || { echo "exit status $?"; return 1; }
        [ "$output" = "$work/removed.conf:2: warning: profile default: there is no user 'no-such-user', so this name admits no user
$work/removed.conf: OK" ] || { echo "it says: $output"; return 1; }
}
check "an unknown user is a warning" warns
daemon_start <"$work/removed.conf"
check "... the daemon starts, and records it" logged "warning: profile default: there is no user 'no-such-user'"
check "... another user of users= may use the profile" supervised_user -- true
check "... and no others" fails_with 125 supervised -- true
daemon_stop
printf '%susers = no-such-user\ngroups = no-such-group\n' "$profile" >"$work/removed.conf"
daemon_start <"$work/removed.conf"
check "if all users and groups are unknown, root may not use the profile" fails_with 125 supervised -- true
check "... nor may any other user" fails_with 125 supervised_user -- true
daemon_stop

# Several files with several errors.
echo "$profile" >"$work/main.conf"
mkdir "$work/main.conf.d"
printf '[rule a]\npath = a\naction = allow\n\n[rule b]\npath = /b\nactoin = allow\n' >"$work/main.conf.d/10-one.conf"
printf 'nonsense\n[rule c]\npath = /c\naction = never\n' >"$work/main.conf.d/20-two.conf"
printf 'nonsense\n' >"$work/main.conf.d/not-read.txt"
lists_all() {
        local output place
        output=$("$@" 2>&1)
        [ $? = 1 ] || { echo "exit status is not 1: $output"; return 1; }
        for place in 10-one.conf:2 10-one.conf:7 20-two.conf:1 20-two.conf:4; do
                grep -qF "$work/main.conf.d/$place: " <<<"$output" || { echo "no $place in: $output"; return 1; }
        done
        ! grep -F not-read <<<"$output"
}
check "--check-config lists all errors of all files" lists_all "$SNOTIFYD" --check-config "$work/main.conf"
check "... and so does a daemon that starts" lists_all "$SNOTIFYD" --config "$work/main.conf" --socket "$socket" --log-target=stderr
check "... which leaves no socket behind" test ! -e "$socket"
no_process() {
        ! pgrep -x 'snotifyd.*'
}
check "... and no process" no_process

# A reload of an invalid configuration.
daemon_start <<'CONF'
[profile default]
default = deny
[rule good]
path = /tmp/
action = allow
CONF
printf '[profile default]\ndefault = allow\n[rule good]\npath = tmp\naction = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
check "a reload of an invalid file: the record says where the error is" logged "$work/conf:4: "
check "... and that the old configuration stays in force" logged "the configuration was not reloaded: policy generation 1 stays in force"
mount -t tmpfs tmpfs /srv
check "... what was denied is denied" fails_with 1 supervised -- mkdir /srv/a
check "... and what was allowed is allowed" supervised -- mkdir "$work/allowed"
printf '[profile default]\ndefault = allow\n' >"$work/conf"
kill -HUP "$daemon_pid"
check "a reload of a valid file is recorded" logged "loaded $work/conf, policy generation 2"
check "... and takes effect" supervised -- mkdir /srv/a
daemon_stop
check "the daemon exits with status 0" test $? = 0

# The rest of the command line.
check "--help" says 0 "Usage: snotifyd" "$SNOTIFYD" --help
check "--version" says 0 "snotifyd 0" "$SNOTIFYD" --version
check "an unknown option is refused" says 1 "Try 'snotifyd --help'" "$SNOTIFYD" --nonsense
check "an unexpected argument is refused" says 1 'unexpected argument "nonsense"' "$SNOTIFYD" nonsense
check "an unknown log target is refused" says 1 'unknown log target "syslog"' "$SNOTIFYD" --log-target=syslog
check "a socket path that is too long is refused" says 1 "cannot listen on" "$SNOTIFYD" --config "$work/conf" --log-target=stderr \
        --socket "/tmp/$(printf 'n%.0s' {1..120})"
check "a socket path in a directory that does not exist is refused" says 1 "cannot listen on /nowhere/socket: No such file or directory" "$SNOTIFYD" \
        --config "$work/conf" --log-target=stderr --socket /nowhere/socket

# The process that reads the configuration cannot write its text down, which is larger than a process may write here.
{
        echo '[profile default]'
        seq 20000 | sed 's|.*|[rule r&]\npath = /srv/directory-of-some-length-&/\naction = allow|'
} >"$work/large.conf"
limited() (
        trap '' XFSZ
        ulimit -f 1024
        exec "$SNOTIFYD" --config "$work/large.conf" --socket "$work/none" --log-target=stderr
)
check "a configuration that cannot be passed on" says 1 "$work/large.conf: the process that reads it cannot pass it on: File too large" limited

# What systemd passes, but is of no use.
python3 - "$SNOTIFYD" --config "$work/conf" --log-target=stderr 2>>"$work/log" <<'PYTHON' &
import os, socket, sys
kinds = [("one", socket.SOCK_SEQPACKET), ("two", socket.SOCK_SEQPACKET), ("three", socket.SOCK_STREAM)]
sockets = []
for name, kind in kinds:
    sockets.append(socket.socket(socket.AF_UNIX, kind))
    sockets[-1].bind("\0snotify-test-" + name + str(os.getpid()))
    sockets[-1].listen()
for i, s in enumerate(sockets):
    os.dup2(s.fileno(), 100 + i)
for i in range(len(sockets)):
    os.dup2(100 + i, 3 + i)
os.closerange(3 + len(sockets), 1024)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=":".join(n for n, _ in kinds))
os.execv(sys.argv[1], sys.argv[1:])
PYTHON
daemon_pid=$!
check "a second socket from systemd is not taken" logged \
        'closing the file descriptor "two" from systemd: it is a second socket; snotifyd listens on the first one only'
check "... nor is one of another type" logged \
        'closing the file descriptor "three" from systemd: it is not a listening Unix socket of type SOCK_SEQPACKET'
finish
