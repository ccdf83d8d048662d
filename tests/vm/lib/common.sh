# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the host-side scripts of the VM and of the images share: where the cache lies, messages, locks, apt suites.
# Sourced, never run. Knows nothing about kernels, QEMU or images.

# The cache lies outside the tree: HOLDFAST_CACHE, or /var/cache/holdfast for root, or the user's own cache folder.
cache_dir() {
	if [[ -n ${HOLDFAST_CACHE:-} ]]; then
		printf '%s\n' "$HOLDFAST_CACHE"
	elif ((EUID == 0)); then
		printf '/var/cache/holdfast\n'
	else
		printf '%s/holdfast\n' "${XDG_CACHE_HOME:-$HOME/.cache}"
	fi
}

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "error: $*"
	exit 2
}

need_commands() {
	local c
	for c in "$@"; do
		command -v "$c" >/dev/null || die "$c is missing; run tools/bootstrap"
	done
}

# Takes the lock FILE until this process ends, on descriptor 9; children that outlive us must close it.
lock_file() {
	mkdir -p "${1%/*}"
	exec 9>"$1"
	flock -n 9 && return 0
	say "waiting for another run (${1##*/})"
	flock 9
}

unlock_file() {
	exec 9>&-
}

# The mirror this machine's apt already uses for its own Debian release: no host name is written anywhere in the tree.
mirror_uri() {
	local codename uri
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016  # the $() are apt's
	uri=$(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v c="$codename" '$2 == c && $3 == "main" && !n++ { print $1 }')
	[[ -n $uri ]] || die "apt has no source for Debian ${codename:-?} main: cannot tell which mirror to use"
	printf '%s\n' "$uri"
}

# suite_line SUITE: one sources.list line, for apt and for mmdebstrap.
suite_line() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg uri
	[[ -e $keyring ]] || die "$keyring is missing; install debian-archive-keyring"
	uri=$(mirror_uri)
	printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$uri" "$1"
}

# suite_apt DIR TOOL ARG...: apt with its own sources list, lists and caches below DIR, untouched by the machine's own
# pins and installed packages.
suite_apt() {
	local dir=$1 tool=$2
	shift 2
	"$tool" -q -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o Dir::State::Status=/dev/null -o Dir::Cache="$dir/cache" \
		-o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" "$@"
}

# suite_open DIR SUITE: makes DIR ready for suite_apt and fetches the suite's package list; three tries.
suite_open() {
	local dir=$1 suite=$2 try
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	suite_line "$suite" >"$dir/sources.list"
	for try in 1 2 3; do
		suite_apt "$dir" apt-get update -o APT::Update::Error-Mode=any >"$dir/update.log" 2>&1 && return 0
		((try < 3)) && sleep $((try * 2))
	done
	cat "$dir/update.log" >&2
	return 1
}
