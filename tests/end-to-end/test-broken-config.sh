#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is restarted while its configuration is broken or missing, from another release, or cannot be read because the name service
# does not answer.  Running sessions are judged by the last valid configuration, no session begins, and the daemon loads the file once it
# is repaired.
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
mkfifo "$work/commands" "$work/answers"
[ -n "${SANITIZED-}" ] || export LD_PRELOAD_DAEMON=$SLOW_NAMES_LIBRARY
export SLOW_NAMES=$work/slow
python3 "$SOURCE_ROOT/tests/end-to-end/store.py" "$work/notify" "$socket" \
        env ${LD_PRELOAD_DAEMON+LD_PRELOAD="$LD_PRELOAD_DAEMON"} "$SNOTIFYD" --config "$work/conf" --log-target=stderr \
        <"$work/commands" >"$work/answers" 2>>"$work/log" &
exec {commands}>"$work/commands" {answers}<"$work/answers"
logged "loaded $work/conf, policy generation 1" >/dev/null || { echo "Bail out! the daemon did not start: $(cat "$work/log")"; exit 1; }

store() {
        echo "$*" >&"$commands"
        read -r -t 30 answer <&"$answers" || { echo "Bail out! no answer to: $*"; exit 1; }
}

# mark; since TEXT: waits until a record after mark contains the text.
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
        store restart
        daemon_pid=$answer
}
# wait_longer COMMAND...: as wait_for, for thirty seconds at most.
wait_longer() {
        wait_for "$@" || wait_for "$@" || wait_for "$@"
}

mkfifo "$work/to" "$work/from"
supervised -- bash -c 'while read -r path; do mkdir "$path" 2>/dev/null && echo created || echo failed; done' \
        <"$work/to" >"$work/from" &
session=$!
exec {to}>"$work/to" {from}<"$work/from"
# asked PATH RESULT: asks the session for a directory of that name; RESULT is "created" or "failed".
asked() {
        local said
        echo "$1-$EPOCHREALTIME" >&"$to"
        read -r -t 20 said <&"$from" || { echo "no answer"; return 1; }
        [ "$said" = "$2" ] || { echo "it says: $said"; return 1; }
}
rules_hold() {
        asked /srv/open/x created && asked /srv/shut/x failed
}
refuses() {
        local output
        output=$(supervised -- true 2>&1)
        [ $? = 125 ] && [[ $output == *"$1"* ]] || { echo "it says: $output"; return 1; }
}
status_says() {
        store status
        [[ $answer == *"$1"* ]]
}
lives() {
        [ "$(ps -o pid= -p "$daemon_pid" | tr -d ' ')" = "$daemon_pid" ]
}
check "a session begins, and the rules hold" rules_hold

### A broken configuration.
echo nonsense >>"$work/conf"
restart
check "a restart with a broken file: the session is judged by the rules from before" rules_hold
check "... a record says where the error is" since "$work/conf:9: no '=' after the key"
check "... and what follows from it" since "no session begins until the configuration is corrected"
check "... a new session is refused, and told where the error is" refuses "snotifyd refuses: the configuration is broken: $work/conf:9: no '=' after the key"
check "... the service's status says the same" wait_for status_says "The configuration on disk is broken, no session begins: $work/conf:9: no '=' after the key; write 'key = value'; 1 session;"
sleep 7 # the daemon looks at the file twice
check "... the record is not repeated" test "$(tail -n +$((marked + 1)) "$work/log" | grep -c "$work/conf:9: no '='")" = 2 # once for the launcher
check "... and the daemon runs" lives
restart
check "another restart: the session is still judged by those rules" rules_hold
check "... and new sessions are refused" refuses "$work/conf:9: no '=' after the key"
mark
kill -HUP "$daemon_pid"
check "a reload records the error again" since "$work/conf:9: no '=' after the key"
check "... and the rules hold" rules_hold

### The configuration is repaired.
good '[rule shut]
path = /srv/shut/
action = allow'
mark
check "the daemon loads a repaired file without a reload" wait_longer has_since "loaded $work/conf, policy generation 1"
check "... for the running session" asked /srv/shut/x created
check "... and for new ones" supervised -- mkdir /srv/open/new
no_trouble() {
        store status
        [[ $answer == "1 session; "* ]]
}
check "... and the status mentions no error any more" wait_for no_trouble

good
restart
since "policy generation 1" >/dev/null
echo nonsense >>"$work/conf"
mark
kill -HUP "$daemon_pid"
check "a reload of a broken file: the policy in force stays" since "policy generation 1 stays in force"
check "... new sessions begin" supervised -- mkdir /srv/open/after-reload
check "... and the status says so" wait_for status_says "The configuration on disk is broken, keeping the last good one: $work/conf:9:"
good
kill -HUP "$daemon_pid"
check "... until a reload of the repaired file" since "policy generation 2"

### The file is missing, or other users can change it.
mv "$work/conf" "$work/away"
restart
check "a restart without a configuration file: the session is judged by the rules from before" rules_hold
check "... a new session is refused, and told what is missing" refuses "$work/conf: No such file or directory"
mkdir -m 777 "$work/conf.d"
mv "$work/away" "$work/conf"
mark
check "a file that other users can change is recorded" wait_for has_since "$work/conf.d: is writable by others; chmod go-w $work/conf.d"
check "... and not used" refuses "$work/conf.d: is writable by others"
check "... the rules from before hold" rules_hold
rmdir "$work/conf.d"
check "... until that is repaired" wait_longer has_since "loaded $work/conf"

### A file that is being written.
good '[rule shut]
path = /srv/shut/
action = allow'
printf 'nonsense\n' >>"$work/conf"
restart
since "nonsense" >/dev/null
rules_hold
mark
# The file changes again and again; each of its states is valid.
for ((n = 0; n < 16; n++)); do
        good "# $n
[rule shut-$n]
path = /srv/shut/
action = allow"
        sleep 0.5
done
check "a file that changes all the time is not loaded" fails_with 1 has_since "loaded"
good
check "... until it stops changing" wait_longer has_since "loaded $work/conf"
check "... and then in its last state" rules_hold

# The daemon is killed while the file is being written.  Each of its states is valid, but allows too much.
keep_rewriting() {
        for ((n = 0; ; n++)); do
                [ ! -e "$work/stop" ] || return 0
                good "[rule shut]
path = /srv/shut/
action = allow
delay = ${n}us"
                sleep 0.1
        done
}
keep_rewriting &
writer=$!
wait_for grep -q "^delay" "$work/conf"
restart
check "after a kill while the file is being written, the session goes on under the last good configuration" rules_hold
sleep 4 # the daemon reads the file more than once meanwhile
check "... as long as the file changes" rules_hold
touch "$work/stop" # a kill would leave a cat behind, which goes on writing
wait "$writer"
good
check "... and then the daemon loads the last state of the file" wait_longer has_since "loaded $work/conf, policy generation 1"
check "... and has loaded no other" test "$(tail -n +$((marked + 1)) "$work/log" | grep -c "loaded $work/conf")" = 1
check "... and judges by it" rules_hold

### The configuration in the store is from another release.
store names
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
store write "$policy" "$work/other"
echo nonsense >>"$work/conf"
restart
check "an unknown key of a profile is ignored, and a rule with an unknown key denies" rules_hold
check "... and the record says so" since "unknown key 'when' in [rule shut]"
printf 'junk\0junk' >"$work/other"
store write "$policy" "$work/other"
restart
check "if it is no configuration, everything is denied" asked /srv/open/x failed
check "... and the daemon runs" lives
store forget "$policy"
restart
check "if there is none, everything is denied, too" asked /srv/open/x failed
check "... a record says so" since "with these errors in the configuration, and no last good one, all calls of running sessions are denied"
check "... new sessions are refused" refuses "$work/conf:9:"
good
check "... until the file is repaired" wait_longer has_since "loaded $work/conf"
check "... which holds for the running session, too" rules_hold

### The name service.
if [ -n "${LD_PRELOAD_DAEMON-}" ]; then
        touch "$work/slow"
        good '[profile other]
users = root'
        kill -HUP "$daemon_pid"
        check "the name service does not answer at a reload: the rules hold" rules_hold
        check "... and sessions begin" supervised -- true
        rm "$work/slow"
        check "... once it answers, the reload takes effect" wait_longer has_since "policy generation 2"
        touch "$work/slow"
        restart
        check "... it does not answer at a restart: the rules hold" rules_hold
        rm "$work/slow"
        check "... and once it answers, new sessions begin" supervised -- true
        touch "$work/slow"
        restart
        check "... it does not answer for 20 s: a record says so" wait_longer has_since "could not be read within 20 s"
        check "... launchers are told the same" refuses "could not be read within 20 s; does the name service answer"
        check "... the rules hold" rules_hold
        rm "$work/slow"
        check "... and once it answers, the configuration is loaded" wait_longer has_since "loaded $work/conf"
        check "... and sessions begin" supervised -- true
        has_no_loader() {
                ! pgrep -x snotifyd-config
        }
        check "... no process that reads the configuration is left" wait_for has_no_loader
else
        skip "a name service that does not answer" "nothing can be preloaded into a sanitized daemon"
fi

### No session, and no configuration from before.
exec {to}>&-
wait "$session"
store names
for name in $answer; do
        store forget "$name"
done
echo nonsense >>"$work/conf"
restart
check "without a session and a valid configuration the daemon refuses to start" since "not starting with these errors in the configuration"
gone() {
        ! lives || [[ $(ps -o stat= -p "$daemon_pid") == Z* ]]   # "Z<" where the priority is raised
}
check "... and exits" wait_for gone
daemon_pid=
finish
