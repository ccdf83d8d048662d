# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the workloads share: each ends with did TEXT, or with a status that is not zero and the reason. Sourced.

did() {
	printf 'did: %s\n' "$*"
}

fail() {
	printf 'failed: %s\n' "$*"
	exit 1
}

# until_true SECONDS COMMAND...: a server needs a moment until it answers, on an emulated machine a long one.
until_true() {
	limit=$(($(date +%s) + $1))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$limit" ] || fail "never true: $*"
		sleep 0.3
	done
}

# answered REPORT: the number of requests that ab saw answered, when none failed.
answered() {
	awk '/^Complete requests:/ { n = $3 } /^Failed requests:/ { bad = $3 } /^Non-2xx/ { bad += $3 }
		END { if (bad || !n) exit 1; print n }' "$1"
}
