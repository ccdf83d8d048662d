# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The app layer that the images share: /opt/app with programs, a library, a script, and one of each kind of file that the
# tests want to find in an image. Sourced by recipes; `here` is tests/images, `tmp` a scratch folder.

# app_layer DIR [LDFLAG...]: with -static the probe cannot dlopen.
app_layer() {
	local app=$1/opt/app root=$1
	shift
	mkdir -p "$app"/{bin,lib,data}
	gcc -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -o "$app/bin/probe" "$here/app/probe.c" "$@" -ldl 2>"$tmp/gcc.log" ||
		{ cat "$tmp/gcc.log" >&2; return 1; }
	gcc -O1 -Wall -Wextra -Werror -shared -fPIC -o "$app/lib/libgreet.so" "$here/app/greet.c"
	gcc -O1 -Wall -Wextra -Werror -static -o "$app/bin/hello" "$here/app/hello.c"
	cp "$app/bin/hello" "$app/data/not-executable"     # an ELF of the image that nobody may run until a chmod
	chmod 644 "$app/data/not-executable"
	ln -s bin/hello "$app/hello-link"
	ln "$app/bin/hello" "$app/bin/hello-hard"
	install -m 755 "$here/app/entrypoint.sh" "$app/entrypoint.sh"
	mkdir -p "$root/etc"
	printf 'app\n' >"$root/etc/app-release"            # layer 2 only
	find "$root" -exec touch -h -d 2024-01-01T00:00:00Z {} +
}
