# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What must come of each of rows.sh's rows, and the join of rows with the events they left. Sourced, never run. Knows nothing
# about daemons and runtimes.
#
#	rows_join WORD ACTION <ROWS-FILE EVENTS-FILE>
#
# prints one line "good|bad <tab> tried <tab> expected <tab> happened <tab> event" for each row, then one for each event that no
# row accounts for.

# name|what was tried|operation|reason|path, for those that leave an event
rows_drift='dropped|a program copied into the container|exec|added|/srv/drift/dropped
fexec|the same, through a descriptor|exec|added|/srv/drift/by-descriptor
script|a new #! script|exec|added|/srv/drift/script
appended|one byte appended to nproc|exec|modified|/usr/bin/nproc
changed|one byte changed in arch|exec|modified|/usr/bin/arch
replaced|another program moved over factor|exec|added|/usr/bin/factor
chmod|chmod +x on a file that never was a program|exec|modified|/opt/app/data/not-executable
preload|a dropped library through LD_PRELOAD|mmap|added|/srv/drift/libdropped.so
dlopen|a dropped library through dlopen|mmap|added|/srv/drift/libopened.so
loader|ld.so ./dropped|mmap|added|/srv/drift/by-loader
memfd|execve of a memfd|exec|memfd|memfd:probe
map|mmap of a dropped file as code|mmap|added|/srv/drift/mapped
mprotect|mmap of a dropped file, then mprotect to code|mprotect|added|/srv/drift/protected
modified-code|a written page of a program made code|mprotect|modified-code|/opt/app/bin/hello'

# name|what was tried, for those that must run and leave none
rows_quiet='own-ls|ls of the image
own-python|python3 of the image
own-elf|a static program of the image
own-script|a #! script of the image
own-hardlink|a hard link of the image
own-symlink|a symbolic link of the image
own-shell|a pipeline of programs of the image
twin-dropped|a program of the image, through execve
twin-script|a script of the image, through execve
twin-fexec|a program of the image, through a descriptor
twin-appended|a byte appended to a data file, a program run
twin-chmod|chmod on a program of the image, then run
twin-changed|a program of the image read as data
twin-map|mmap of a file of the image as code
twin-preload|LD_PRELOAD of a library of the image
twin-loader|ld.so on a program of the image
twin-dlopen|dlopen of a library of the image
twin-memfd|mmap of a memfd as code (just-in-time compilers)
twin-mprotect|mmap of a program of the image, then mprotect
twin-anonymous|anonymous memory made code (the same)'

# rows_join WORD ACTION ROWS EVENTS: WORD is what a drift row must say (EPERM, killed, ran), ACTION what its event must
# (denied, killed, audited); ROWS is rows.sh's output, EVENTS the events as JSON lines.
rows_join() {
	awk -F'|' -v word="$1" -v action="$2" -v TAB='\t' '
	function brief(e,    part) {
		split(e, part, "\t")
		return part[1] " " part[2] " " part[3] " " part[4]
	}
	function judge(good, what, expected, got, text) {
		print (good ? "good" : "bad") TAB what TAB expected TAB got TAB text
	}
	FILENAME == ARGV[1] { drift[++n] = $0; next }
	FILENAME == ARGV[2] { quiet[++m] = $0; next }
	FILENAME == ARGV[3] {
		if (match($0, /^row [^ ]+ /)) {
			split($0, w, " ")
			happened[w[2]] = substr($0, RLENGTH + 1)
		}
		next
	}
	{ split($0, e, "\t"); key = e[2] "\t" e[4]; event[key] = $0; count[key]++; events++ }
	END {
		for (i = 1; i <= m; i++) {
			split(quiet[i], q, "|")
			if (q[1] in happened)
				judge(happened[q[1]] == "ran", q[2], "ran", happened[q[1]], "none")
		}
		for (i = 1; i <= n; i++) {
			split(drift[i], r, "|")
			if (!(r[1] in happened))
				continue
			key = r[3] "\t" r[5]
			split(event[key], e, "\t")
			good = happened[r[1]] == word && count[key] == 1 && e[1] == action && e[3] == r[4]
			text = count[key] ? brief(event[key]) (count[key] > 1 ? " (" count[key] " times)" : "") : "none"
			judge(good, r[2], word, happened[r[1]], text)
			used[key] = 1
		}
		for (key in event)
			if (!(key in used))
				judge(0, "(no row)", "no event", "-", brief(event[key]) " (" count[key] " times)")
	}' <(printf '%s\n' "$rows_drift") <(printf '%s\n' "$rows_quiet") "$3" \
		<(jq -r '[.action, .operation, .reason, .file.path // "-"] | join("\t")' "$4")
}

# rows_missing ROWS: the rows that should have been there but were not.
rows_missing() {
	awk -F'|' 'NR == FNR { split($0, w, " "); seen[w[2]] = 1; next } $1 && !($1 in seen) { print $1 }' \
		"$1" <(printf '%s\n' "$rows_drift" "$rows_quiet")
}
