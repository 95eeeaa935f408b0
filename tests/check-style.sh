#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tree's own rules: formatting, an SPDX line in each file, manual pages and scripts that lint, spelling, includes that point one
# way.
set -u
cd "${SOURCE_ROOT:?}" || exit 1
n=0
failures=0

check() {
        local what=$1 output
        shift
        n=$((n + 1))
        if output=$("$@" 2>&1); then
                echo "ok $n - $what"
        else
                failures=1
                echo "not ok $n - $what"
                printf '%s\n' "$output" | sed 's/^/# /'
        fi
}

# check_with TOOL WHAT COMMAND...: where the tool is not installed, that is said.
check_with() {
        local tool=$1
        shift
        if command -v "$tool" >/dev/null; then
                check "$@"
        else
                n=$((n + 1))
                echo "ok $n - $1 # SKIP needs $tool"
        fi
}

sources() {
        find daemon launcher tests -name '*.[ch]' | sort
}

formatted() {
        sources | xargs clang-format --dry-run --Werror
}

# In two pieces below, or reuse(1) would take it for the SPDX line of this file.
spdx() {
        local missing
        missing=$(find . -path './.git' -prune -o -path './build*' -prune -o -type f \
                ! -path './LICENSES/*' ! -name AUTHORS ! -name '*.md' ! -path './tests/fuzz/corpus/*' -print0 |
                xargs -0 grep -L 'SPDX-License-Identifier'': LGPL-2.1-or-later' |
                grep -vE '^\./(\.gitignore|\.editorconfig|\.clang-format)$')
        [ -z "$missing" ] || { echo "without an SPDX line: $missing"; return 1; }
}

# .shellcheckrc says what it leaves out.
shell_scripts() {
        grep -rlE --exclude-dir='build*' --exclude-dir=.git '^#!.*sh$|^# shellcheck shell=' . |
                sort | xargs -n 4 -P "$(nproc)" shellcheck --format=gcc
}

# .codespellrc says which words it accepts.
spelling() {
        codespell
}

# .clang-tidy says which checks, and why.  The build's options are gcc's, some of which clang does not know.  The
# kernel's programs are compiled for another machine.
tidy() {
        find daemon launcher -name '*.c' ! -name '*.bpf.c' | sort |
                xargs -n 8 -P "$(nproc)" clang-tidy -p "${BUILD_ROOT:?}" --quiet --extra-arg=-Wno-unknown-warning-option
}

# Whether the manuals that ours refer to are installed is another matter.
manuals() {
        ! mandoc -T lint man/*.[1-8] 2>/dev/null | grep -v 'referenced manual not found'
}

# Which room may include which.  A room is a folder; daemon/ itself is "daemon", and may include them all.
rooms='
common
policy: common
config: common policy
sandbox: common policy
ebpf: common
guard: common ebpf
reader: common ebpf
worker/target: common reader
worker/location: common worker/target
worker/operation: common worker/location
worker/request: common policy guard worker/target worker/location worker/operation
worker/executor: common guard worker/target worker/location worker/operation worker/request
worker: common policy guard worker/target worker/location worker/operation worker/request worker/executor
session: common policy sandbox guard worker
handshake: common policy sandbox worker/target
daemon: common policy config sandbox guard reader worker session handshake
launcher: common
'

# One "FILE: HEADER" for each include of ours in the daemon and the launcher.
includes() {
        grep -rno --include='*.[ch]' '^#include "[^"]*"' daemon launcher |
                sed -E 's/^([^:]*):[0-9]*:#include "(.*)"$/\1 \2/'
}

one_way() {
        includes | awk -v rooms="$rooms" '
                BEGIN {
                        n = split(rooms, lines, "\n")
                        for (i = 1; i <= n; i++) {
                                room = lines[i]
                                sub(/:.*/, "", room)
                                allowed[room, room] = known[room] = 1
                                m = split(substr(lines[i], length(room) + 2), others, " ")
                                for (j = 1; j <= m; j++)
                                        allowed[room, others[j]] = 1
                        }
                }
                function room_of(path) {
                        return path ~ /\// ? substr(path, 1, match(path, /\/[^\/]*$/) - 1) : ""
                }
                {
                        from = room_of($1)
                        sub(/^daemon\//, "", from)
                        to = room_of($2)
                        if (to == "")
                                to = from == "launcher" ? from : "daemon"
                        if (!(from in known) || !((from, to) in allowed)) {
                                print $1 " must not include " $2
                                failed = 1
                        }
                }
                END { exit failed }'
}

# While it waits for a page, which the task may withhold, no BPF program of the whole machine that may sleep is freed.
no_user_memory() {
        ! git ls-files '*.bpf.c' '*.bpf.h' | xargs grep -nE 'copy_from_user|probe_read_user'
}

# A function returns 0, a negative errno or a named outcome.  The errno that the target gets is data, which a function gives back
# through a parameter.
no_positive_errno() {
        ! grep -rnE --include='*.[ch]' 'return \(?(errno|E[A-Z0-9]{2,})\)?;' daemon launcher
}

# A text names the worker, the daemon, the kernel or the workload that it is about.
named_actors() {
        ! grep -rnwiE --include='*.[chS]' 'nobody|somebody|anybody|everybody|whoever' daemon launcher
}

# clang-format splits texts that are too long, and never joins what is left of them.
whole_texts() {
        ! grep -rnE --include='*.[ch]' '^ +"[^" ]+ "$' daemon launcher
}

# The documents name files as `FOLDER/FILE` and what is in them as `FOLDER/FILE: NAME`; NAME.c is an example.
documented_files() {
        local reference file name missing=0
        while read -r reference; do
                file=${reference%%: *}
                name=${reference#"$file"}
                name=${name#: }
                if [ ! -e "$file" ]; then
                        echo "there is no $file"
                        missing=1
                elif [ -n "$name" ] && ! grep -qw -- "$name" "$file"; then
                        echo "there is no $name in $file"
                        missing=1
                fi
        done < <(grep -ohE '`(conf|daemon|doc|launcher|man|systemd|tests)/[^`]*`' ./*.md doc/*.md | tr -d '`' |
                grep -v '/NAME\.c' | sed -E 's/^([^: ]*) .*/\1/' | sort -u)
        return "$missing"
}

# doc/architecture.md has a row for each room, which ends with what it may include.
documented_rooms() {
        local room includes folder missing=0
        while IFS=: read -r room includes; do
                case $room in
                '') continue ;;
                daemon | launcher) folder=$room/ ;;
                *) folder=daemon/$room/ ;;
                esac
                includes=$(sed 's/^ //; s/ /, /g' <<<"$includes")
                grep -qE "^\\| \`$folder\` \\|.* \\| ${includes:-nothing} \\|\$" doc/architecture.md || {
                        echo "no row for \`$folder\` that ends in | ${includes:-nothing} |"
                        missing=1
                }
        done <<<"$rooms"
        return "$missing"
}

# The linker takes the first library that has a name, and says nothing of the second one: its function would never be called.
unique_names() {
        local twice
        twice=$(find "${BUILD_ROOT:?}/daemon" -name '*.a' -exec nm -g --defined-only {} + 2>/dev/null |
                awk 'NF == 3 && $2 ~ /[TDBR]/ && $3 !~ /^__/ { print $3 }' | sort | uniq -d)
        [ -z "$twice" ] || { echo "in two libraries: $twice"; return 1; }
}

check_with clang-format "clang-format has nothing to change" formatted
check "each file has an SPDX line" spdx
check_with clang-tidy "clang-tidy finds nothing in the daemon and the launcher" tidy
check_with mandoc "the manual pages lint" manuals
check_with shellcheck "shellcheck finds nothing in the scripts" shell_scripts
check_with codespell "codespell finds no misspelt word" spelling
check "each room includes what it may, and includes point one way" one_way
check "no program in the kernel waits for a task's memory" no_user_memory
check "no function returns a positive errno" no_positive_errno
check "no comment or message speaks of nobody" named_actors
check "no text is in splinters" whole_texts
check "what the documents name is there" documented_files
check "doc/architecture.md knows each room" documented_rooms
check_with nm "no name of a function is there in two rooms" unique_names
echo "1..$n"
exit $failures
