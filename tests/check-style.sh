#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tree's own rules: formatting, an SPDX line in each file, manual pages that lint, includes that point one way.
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

sources() {
        find daemon launcher tests -name '*.[ch]' | sort
}

formatted() {
        sources | xargs clang-format --dry-run --Werror
}

spdx() {
        local missing
        missing=$(find . -path './.git' -prune -o -path './build*' -prune -o -type f \
                ! -name LICENSE ! -name '*.md' ! -path './tests/fuzz/corpus/*' -print0 |
                xargs -0 grep -L 'SPDX-License-Identifier: LGPL-2.1-or-later' |
                grep -vE '^\./(\.gitignore|\.editorconfig|\.clang-format)$')
        [ -z "$missing" ] || { echo "without an SPDX line: $missing"; return 1; }
}

# Whether the manuals that ours refer to are installed is another matter.
manuals() {
        ! mandoc -T lint man/*.[1-8] 2>/dev/null | grep -v 'referenced manual not found'
}

one_way() {
        ! grep -nE '#include "(\.\./)*(daemon/)?(manager|session|crew|reception|vetting|store|config|filter|activation)\.h"' \
                -r daemon/worker daemon/common launcher
}

check "clang-format has nothing to change" formatted
check "each file has an SPDX line" spdx
check "the manual pages lint" manuals
check "includes point one way" one_way
echo "1..$n"
exit $failures
