#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is started anew while its configuration is broken, gone, of another release, or cannot be read because the name service
# does not answer: sessions that run go on by the last good one, no session begins, and the mended file is taken up.
source "$(dirname "$0")/lib.sh" alone

mount -t tmpfs -o mode=755 tmpfs /srv || skip_all "cannot mount"
mkdir -m 777 /srv/open /srv/shut
good() {
        cat >"$work/conf" <<CONF
[profile default]
default = deny

[rule open]
path = /srv/open/
action = allow

$*
CONF
}

good
mkfifo "$work/orders" "$work/answers"
[ -n "${SANITIZED-}" ] || export LD_PRELOAD_DAEMON=$SLOW_NAMES_LIBRARY
export SLOW_NAMES=$work/slow
python3 "$SOURCE_ROOT/tests/end-to-end/store.py" "$work/notify" "$socket" \
        env ${LD_PRELOAD_DAEMON+LD_PRELOAD="$LD_PRELOAD_DAEMON"} "$SNOTIFYD" --config "$work/conf" --log-target=stderr \
        <"$work/orders" >"$work/answers" 2>>"$work/log" &
exec {orders}>"$work/orders" {answers}<"$work/answers"
logged "loaded $work/conf, policy generation 1" >/dev/null || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }

order() {
        echo "$*" >&"$orders"
        read -r -t 30 answer <&"$answers" || { echo "Bail out! no answer to: $*"; exit 1; }
}

# What is logged from now on is asked for by since.
mark() {
        marked=$(wc -l <"$work/log")
}
since() {
        wait_for has_since "$1" || { echo "no record: $1"; tail -n +$((marked + 1)) "$work/log"; return 1; }
}
has_since() {
        tail -n +$((marked + 1)) "$work/log" | grep -qF -- "$1"
}
restart() {
        mark
        order restart
        daemon_pid=$answer
}
# For what takes longer than ten seconds.
wait_longer() {
        wait_for "$@" || wait_for "$@" || wait_for "$@"
}

mkfifo "$work/to" "$work/from"
supervised -- bash -c 'while read -r path; do mkdir "$path" 2>/dev/null && echo made || echo failed; done' \
        <"$work/to" >"$work/from" &
session=$!
exec {to}>"$work/to" {from}<"$work/from"
ask() {
        local said
        echo "$1-$EPOCHREALTIME" >&"$to"
        read -r -t 20 said <&"$from" || { echo "no answer"; return 1; }
        [ "$said" = "$2" ] || { echo "it says: $said"; return 1; }
}
rules_hold() {
        ask /srv/open/x made && ask /srv/shut/x failed
}
refuses() {
        local output
        output=$(supervised -- true 2>&1)
        [ $? = 125 ] && [[ $output == *"$1"* ]] || { echo "it says: $output"; return 1; }
}
status_says() {
        order status
        [[ $answer == *"$1"* ]]
}
lives() {
        [ "$(ps -o pid= -p "$daemon_pid" | tr -d ' ')" = "$daemon_pid" ]
}
check "a session that goes on" rules_hold

### Broken.
echo nonsense >>"$work/conf"
restart
check "a restart with a broken file: the session goes on by the rules there were" rules_hold
check "... the journal says where" since "$work/conf:9: no '=' after the key"
check "... and what that means" since "no session begins until the configuration is mended"
check "... a new session is refused, with the place" refuses "snotifyd refuses: the configuration is broken: $work/conf:9: no '=' after the key"
check "... so does the status" wait_for status_says "The configuration on disk is broken, no session begins: $work/conf:9: no '=' after the key; write 'key = value'; 1 session;"
sleep 7 # which is two looks at the file
check "... once" test "$(tail -n +$((marked + 1)) "$work/log" | grep -c "$work/conf:9: no '='")" = 2 # and once for the launcher
check "... and the daemon lives" lives
restart
check "so it is after another restart" rules_hold
check "... and sessions are refused" refuses "$work/conf:9: no '=' after the key"
mark
kill -HUP "$daemon_pid"
check "a reload tells it again" since "$work/conf:9: no '=' after the key"
check "... and nothing changes" rules_hold

### Mended.
good '[rule shut]
path = /srv/shut/
action = allow'
mark
check "a mended file is taken up without being told" wait_longer has_since "loaded $work/conf, policy generation 1"
check "... for the session that runs" ask /srv/shut/x made
check "... and for new ones" supervised -- mkdir /srv/open/new
no_trouble() {
        order status
        [[ $answer == "1 session; "* ]]
}
check "... and the status is good" wait_for no_trouble

good
restart
since "policy generation 1" >/dev/null
echo nonsense >>"$work/conf"
mark
kill -HUP "$daemon_pid"
check "a reload of a broken file: the one in force stays" since "policy generation 1 stays in force"
check "... new sessions begin" supervised -- mkdir /srv/open/after-reload
check "... and the status tells" wait_for status_says "The configuration on disk is broken, keeping the last good one: $work/conf:9:"
good
kill -HUP "$daemon_pid"
check "... until it is mended, and told so" since "policy generation 2"

### Gone, and forbidden.
mv "$work/conf" "$work/away"
restart
check "a restart without any file" rules_hold
check "... tells what is missing" refuses "$work/conf: No such file or directory"
mkdir -m 777 "$work/conf.d"
mv "$work/away" "$work/conf"
mark
check "one that others can change" wait_for has_since "$work/conf.d: is writable by others; chmod go-w $work/conf.d"
check "... is not used either" refuses "$work/conf.d: is writable by others"
check "... and the session goes on" rules_hold
rmdir "$work/conf.d"
check "... until that is mended" wait_longer has_since "loaded $work/conf"

### Half of a file.
good '[rule shut]
path = /srv/shut/
action = allow'
printf 'nonsense\n' >>"$work/conf"
restart
since "nonsense" >/dev/null
rules_hold
mark
# It is written on and on; each state would do.
for ((n = 0; n < 16; n++)); do
        good "# $n
[rule shut-$n]
path = /srv/shut/
action = allow"
        sleep 0.5
done
check "a file that changes all the time is not taken up" fails_with 1 has_since "loaded"
good
check "... until it does not" wait_longer has_since "loaded $work/conf"
check "... as it is then" rules_hold

### What the store has is of another release.
order names
check "the store has one configuration" eval '[[ $answer =~ ^identities\ policy-[0-9a-f]{16}$ ]]'
policy=${answer##* }
cat >"$work/other" <<'CONF'
[profile default]
default=allow
moon=full
[rule open]
path=/srv/open/
action=allow
[rule shut]
path=/srv/shut/
action=allow
when=full moon
CONF
order write "$policy" "$work/other"
echo nonsense >>"$work/conf"
restart
check "a key that is not known is skipped, and a rule that has it denies" rules_hold
check "... and both are said" since "unknown key 'when' in [rule shut]"
printf 'junk\0junk' >"$work/other"
order write "$policy" "$work/other"
restart
check "where it is nothing of the kind, everything is denied" ask /srv/open/x failed
check "... and the daemon lives" lives
order forget "$policy"
restart
check "where there is none, everything is denied, too" ask /srv/open/x failed
check "... which is said" since "with these errors in the configuration, and none from before, all calls of the sessions that run are denied"
check "... no session begins" refuses "$work/conf:9:"
good
check "... until the file is mended" wait_longer has_since "loaded $work/conf"
check "... for that session, too" rules_hold

### The name service.
if [ -n "${LD_PRELOAD_DAEMON-}" ]; then
        touch "$work/slow"
        good '[profile other]
users = root'
        kill -HUP "$daemon_pid"
        check "a name service that does not answer at a reload: sessions go on" rules_hold
        check "... and begin" supervised -- true
        rm "$work/slow"
        check "... and once it does the reload is done" wait_longer has_since "policy generation 2"
        touch "$work/slow"
        restart
        check "... nor at a restart: the session goes on" rules_hold
        rm "$work/slow"
        check "... and new ones begin once it does" supervised -- true
        touch "$work/slow"
        restart
        check "one that does not answer for long" wait_longer has_since "could not be read within 20 s"
        check "... is said to launchers" refuses "could not be read within 20 s; does the name service answer"
        check "... and the session goes on" rules_hold
        rm "$work/slow"
        check "... until it does answer" wait_longer has_since "loaded $work/conf"
        check "... and sessions begin" supervised -- true
        has_no_loader() {
                ! pgrep -x snotifyd-config
        }
        check "no process is left of it" wait_for has_no_loader
else
        skip "a name service that does not answer" "nothing can be preloaded into a sanitized daemon"
fi

### No session, and no configuration from before.
exec {to}>&-
wait "$session"
order names
for name in $answer; do
        order forget "$name"
done
echo nonsense >>"$work/conf"
restart
check "with nothing to serve the daemon does not start" since "not starting with these errors in the configuration"
gone() {
        ! lives || [ "$(ps -o stat= -p "$daemon_pid")" = Z ]
}
check "... really" wait_for gone
daemon_pid=
finish
