#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lint.sh - what a compiler does not tell: layers, headers, banned calls, SQL, leaks.
#
# Each rule is one function; what it prints is wrong.  Then clang-tidy (.clang-tidy) and
# cppcheck.  A line that has to be as it is says so: `lint: RULE: why` in a comment there.
set -u
cd "$(dirname "$0")/.."
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
PASSED=0 FAILED=0
rule() { # name command...
	local name=$1
	shift
	"$@" >"$TMP/out" 2>&1
	if [ -s "$TMP/out" ]; then
		FAILED=$((FAILED + 1))
		echo "FAIL $name"
		head -40 "$TMP/out" | sed 's/^/    /'
	else
		PASSED=$((PASSED + 1))
		echo "ok   $name"
	fi
}
SOURCES() { git ls-files -co --exclude-standard 'daemon/*.c' 'daemon/*.h' 'web/*.c' 'web/*.h' 'include/*.h'; }
excuse() { grep -vE "lint: $1:"; }

# --- layers ------------------------------------------------------------------------

# A header belongs to the room that has its module, and that room may be used by these.
layers() {
	python3 - <<-'END'
	import pathlib, re
	core = """addr attempt blocklist correspond domain evidence event hand health judge merge mxset never packet pool pool_map publish risk said sender share
	    siphash sketch table trap visit wheel wrong sink""".split()
	base = "config state json log message process bind bound spawn notify token unnamed pem listable suggest ask users beat".split()
	store = "store report migration backup".split()
	export = "counter export status".split()
	watch = "capture reader watch".split()
	generated = ["asset"]
	may = {
	    "core": core, "base": core + base, "store": core + base + store,
	    "export": core + base + store + export,
	    # watch knows the store as a sink only; main.c and watch.c set the sink.
	    "watch": core + base + watch, "decoy": core + base,
	    "cli": core + base + store + export, "lookup": core + base + store + export, "firewall": core + base,
	    "web": core + base + store + export + generated,
	}
	# The files that join watch to the writer.
	joins = {"daemon/watch/watch.c", "daemon/watch/replay.c", "daemon/watch/restore.c", "daemon/watch/watch_int.h",
	    "daemon/watch/control.c", "daemon/watch/status.c", "daemon/watch/purge.h", "daemon/watch/firewall_feed.h"}
	for path in sorted([*pathlib.Path("daemon").glob("*/*.[ch]"), *pathlib.Path("web").glob("*.[ch]")]):
	    room = path.parts[1] if path.parts[0] == "daemon" else "web"
	    if path.name == "embed.c":
	        continue
	    for n, line in enumerate(path.read_text().splitlines(), 1):
	        m = re.match(r'\s*#\s*include\s+"(.*)"', line)
	        if not m or "lint: layer:" in line:
	            continue
	        name = m.group(1)
	        if not name.startswith("mxtrap/"):
	            if name == "../../sql/statements.def" and room == "store":
	                continue
	            if "/" in name or not (path.parent / name).exists():
	                print(f"{path}:{n}: {name} is not of this room")
	            continue
	        module = name[7:-2]
	        allowed = may[room] + (["store", "report"] if str(path) in joins else [])
	        if module not in allowed:
	            print(f"{path}:{n}: {room} may not use {module}")
	END
}
# A library is known to few files only.
library() { # header, files that may
	SOURCES | xargs grep -nE "# *include *<$1>" | grep -vE "^($2):" | excuse library
}
core_is_pure() { # no clock, no output, no files, no threads
	grep -nE '\b(clock_gettime|gettimeofday|time|printf|fprintf|puts|fopen|open|pthread_[a-z_]+|syslog|log_[a-z]+) *\(' daemon/core/*.c |
	    grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)' | excuse pure
	grep -nE '# *include *<(unistd|pthread|sys/time|fcntl|sqlite3|pcap)' daemon/core/*.c | excuse pure
}

# --- headers -----------------------------------------------------------------------

headers() { # each compiles alone, and twice
	local h
	for h in include/mxtrap/*.h; do
		printf '#include "%s"\n#include "%s"\n' "${h#include/}" "${h#include/}" >"$TMP/h.c"
		gcc -std=c11 -D_GNU_SOURCE -Iinclude -Wall -Wextra -Wpedantic -fsyntax-only "$TMP/h.c"
	done
}
heads() { # SPDX first, then a paragraph
	local f
	for f in $(SOURCES; git ls-files 'tests/*.[ch]'); do
		head -1 "$f" | grep -qF 'SPDX-License-Identifier: GPL-2.0-or-later' || echo "$f:1: no SPDX line"
		sed -n 2,3p "$f" | grep -q '/\*' || echo "$f:2: no word on what it is"
	done
}
width() { # 90 is the rule, this is the wall
	 SOURCES | xargs awk '{ l = $0; gsub(/\t/, "        ", l) } length(l) > 140 { print FILENAME ":" FNR ": " length(l) " columns" }'
}

# --- code --------------------------------------------------------------------------

banned() { # more than banned.h can poison
	SOURCES | xargs grep -nE '\b(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strtok|gmtime|localtime|ctime|asctime|alloca|rand|srand|tmpnam|mktemp|system|popen) *\(' |
	    grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)|BANNED\(' | excuse banned
}
sql() { # its text is constant
	grep -nE 'sqlite3_(exec|prepare[a-z0-9_]*) *\(.*(snprintf|asprintf)|sqlite3_mprintf|sqlite3_snprintf' daemon/store/*.c | excuse sql
	# A buffer that is printed into may not hold a statement.  A PRAGMA takes no bound
	# value: numbers of ours may stand there, text may not.
	grep -nE 'printf *\(.*"[^"]*\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b[^"]*%' daemon/store/*.c daemon/cli/*.c web/*.c | excuse sql
	grep -nE 'printf *\(.*"PRAGMA[^"]*%s' daemon/store/*.c | excuse sql
}
mutable() { # file-scope state: log.c and main.c alone
	SOURCES | grep '\.c$' | grep -vE '(^|/)(log|main)\.c$' | xargs grep -nE '^static [^(]*(=.*)?;$' |
	    grep -vE ':static (_Noreturn )?(inline )?const |\bconst\b|_Static_assert|\(' | excuse mutable
}
switches() { SOURCES | xargs grep -nE 'ntohs? *\( *\*\( *(const )?(uint|struct)' | excuse cast; }

# --- what may not leave ---------------------------------------------------------------

leaks() { # paths of a machine, hosts, people
	git ls-files -co --exclude-standard | grep -vE '^(LICENSE|tests/lint.sh)$|^tests/(captures|fuzz/corpus)/' |
	    xargs grep -nIE '(^|[^a-zA-Z.])/(work|home|root|Users)/|\.\./shared|registry\.|pypi|npmjs|proxy\.golang|[a-z0-9._]+@(gmail|outlook|hotmail)\.' |
	    excuse leak
}
words() { # that many readers stumble over, where an operator reads them: documents, manual pages, the log
	local no='told|tells of|says so|whoever|whom|anew|so many|so long|lets? go|taken away|takes? away|in the end|hushed'
	git ls-files -co --exclude-standard README.md 'docs/*.md' 'docs/*.[1-9]' docs/openapi.yaml deploy/mxtrap.conf.example |
	    xargs grep -nwiE "$no" | grep -vE '^[^:]*:[0-9]+:\.\\"'
	SOURCES | xargs grep -nE '"' | grep -vE '#[[:space:]]*include|_Static_assert|sizeof\(.*"each is' | sed 's|/\*.*\*/||' |
	    grep -iE "\"[^\"]*\b($no)\b[^\"]*\"" | excuse words
}
scripts() {
	local f
	for f in $(git ls-files -co --exclude-standard '*.sh' .ci/run); do
		[ -f "$f" ] || continue
		case $(head -1 "$f") in
		*bash*) bash -n "$f" ;;
		*) case $f in deploy/demo/net.sh) bash -n "$f" ;; *) sh -n "$f" ;; esac ;;
		esac
	done
	for f in $(git ls-files -co --exclude-standard '*.py'); do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$f"
	done
}
manuals() { mandoc -T lint -W warning docs/*.[1-9] | grep -vE 'STYLE|referenced manual not found' ; }

# --- the page ---------------------------------------------------------------------------

javascript() {
	make -s tests/browser/node_modules/.ready >/dev/null || echo "npm cannot install what the browser tests need"
	tests/browser/node_modules/.bin/eslint --config tests/browser/eslint.config.mjs web tests/browser 2>&1
}
openapi() {
	make -s tests/browser/node_modules/.ready >/dev/null || echo "npm cannot install what the browser tests need"
	node tests/browser/openapi.mjs docs/openapi.yaml 2>&1
}
locks() { # no addresses of downloads, and each package in them with its hash
	local f
	for f in web/package-lock.json tests/browser/package-lock.json; do
		grep -n '"resolved"' "$f"
		jq -r --arg f "$f" '.packages | to_entries[] | select(.key != "" and .value.integrity == null) | $f + ": " + .key + " has no hash"' "$f"
	done
}
page_heads() {
	local f
	for f in $(git ls-files -co --exclude-standard 'web/page/*.js' 'web/page/*.css' 'web/*.mjs' 'tests/browser/*.mjs'); do
		head -1 "$f" | grep -qF 'SPDX-License-Identifier: GPL-2.0-or-later' || echo "$f:1: no SPDX line"
	done
}

# --- analysers ------------------------------------------------------------------------

tidy() {
	local flags
	flags="-std=c11 -D_GNU_SOURCE -Iinclude -DMXTRAP_VERSION=\"0\" $(pkg-config --cflags libpcap libmicrohttpd sqlite3)"
	SOURCES | grep '\.c$' | FLAGS=$flags xargs -P "$(nproc)" -n 8 sh -c \
	    'clang-tidy --quiet --config-file=.clang-tidy "$@" -- $FLAGS 2>/dev/null' tidy |
	    grep -E 'warning:|error:' | sort -u | grep -vEf <(grep -v '^#' tests/tidy.txt)
}
check_cpp() {
	SOURCES | grep '\.c$' | cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr -Iinclude -j"$(nproc)" \
	    -D_GNU_SOURCE -DMXTRAP_VERSION='"0"' --suppress=missingIncludeSystem --suppressions-list=tests/cppcheck.txt \
	    --template='{file}:{line}: {id}: {message}' --file-list=- 2>&1
}

rule "includes go one way" layers
rule "only capture.c knows libpcap" library 'pcap(/[a-z]+)?\.h' 'daemon/watch/capture\.c'
rule "only the store knows SQLite" library 'sqlite3\.h' 'daemon/store/[a-z_]+\.[ch]'
rule "only two files know libmicrohttpd" library 'microhttpd\.h' 'web/(server|respond)\.[ch]'
rule "only one file knows ldns" library 'ldns/ldns\.h' 'daemon/lookup/dns_ldns\.c'
rule "only one file knows zlib" library 'zlib\.h' 'web/gzip\.c'
rule "only one file knows libmaxminddb" library 'maxminddb\.h' 'web/geoip\.c'
rule "only one file knows libnftables" library 'nftables/libnftables\.h' 'daemon/firewall/nft_lib\.c'
rule "the core is silent and has no clock" core_is_pure
rule "each header stands alone" headers
rule "each file says what it is" heads
rule "no line is too wide" width
rule "no banned function" banned
rule "SQL is constant text" sql
rule "no mutable state at file scope" mutable
rule "no struct is cast onto a packet" switches
rule "nothing names this machine, a registry or a person" leaks
rule "no word that readers stumble over" words
rule "scripts parse" scripts
rule "manual pages are well formed" manuals
rule "the page's JavaScript has no fault" javascript
rule "the API's description has no fault" openapi
rule "packages come by hash, from no named place" locks
rule "the page's files say whose they are" page_heads
[ -n "${QUICK:-}" ] || rule "clang-tidy" tidy
[ -n "${QUICK:-}" ] || rule "cppcheck" check_cpp

echo "$PASSED passed, $FAILED failed"
[ $FAILED = 0 ]
