#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mail.sh [BUILD] - mail servers and rspamd, set up as the guides say, and what they tell a listed sender.
#
# Postfix by the policy service, the DNSBL and both files; Exim (-bh) by file and DNSBL; OpenSMTPD; Sendmail
# by access map and DNSBL; rspamd by map and DNSBL.  What they are told in their configuration is taken out of
# docs/consumers/*.md; the lists come by HTTP with a token and deploy/mxtrap-fetch.sh.  Each refuses the
# listed one and one amid its /64 with the contact, lets an unlisted one pass, and lets go who was allowed.
# Exim, OpenSMTPD and Sendmail run in roots of their own (deploy/mtas.sh).  Root; 77: skipped.
NAME=mail BUILD=${1:-build}
PACKAGES=${MXTRAP_MTAS:-/var/cache/mxtrap-tests/mtas}
for p in exim4-daemon-light opensmtpd sendmail-bin; do
	[ -e "$PACKAGES/$p/.unpacked" ] || { echo "mail: SKIP, $p is not unpacked (deploy/deps.sh mtas)"; exit 77; }
done
if [ -z "${OWN_MOUNTS:-}" ] && [ "$(id -u)" = 0 ]; then
	OWN_MOUNTS=1 exec unshare -m "$0" "$@"
fi
. "$(dirname "$0")/site.inc"

BOT=198.18.1.7 STAYS=198.18.3.9 HONEST=198.18.2.8 HONEST6=2001:db8:1801:1::5
BOT6=2001:db8:1800:1:aaaa:bbbb:cccc:dddd MID6=2001:db8:1800:1:1:2:3:4
TOLD='5?? 5.7.1 *contact postmaster@trap.example*'
listed() { mxtrap list --format plain | grep -qF "$1"; }
bot $BOT
bot $STAYS
bot $BOT6
check "there is somebody to refuse" wait_for 4000 listed $STAYS
check "and a /64" wait_for 3000 listed 2001:db8:1800:1::/64
mxtrap firewall off >/dev/null		# or nothing of this would be seen
TOKEN=$(mxtrap token add mail --scope export | grep '^mxt_')

# --- rspamd: begun first, for it fetches its map once a minute --------------------------

mkdir -p "$DIR/filter/local.d" "$DIR/filter/run"
snippet rspamd map >"$DIR/filter/local.d/multimap.conf"
# A map with nobody on it: its body must not be an empty one.
cat >>"$DIR/filter/local.d/multimap.conf" <<-END
	NOBODY { type = "ip"; map = "$DIR/filter/nobody.map"; score = 9.0; }
	END
sed 's/^publish = yes/publish = no/' "$DIR/conf" >"$DIR/unpublished.conf"
unpublished() { mx "$BUILD/mxtrap" -c "$DIR/unpublished.conf" export "$1" 2>/dev/null; }
unpublished rspamd >"$DIR/filter/nobody.map"
snippet rspamd rbl >"$DIR/filter/local.d/rbl.conf"
snippet rspamd weight >"$DIR/filter/local.d/rbl_group.conf"
# All the world's top-level domains take it half a minute to compile.
echo example >"$DIR/filter/tld"
cat >"$DIR/filter/local.d/options.inc" <<-END
	dns { nameserver = ["127.0.0.1:53:1"]; timeout = 2s; retransmits = 10; }
	map_watch_interval = 1s;
	maps_cache_dir = "$DIR/filter";
	hs_cache_dir = "$DIR/filter";
	url_tld = "$DIR/filter/tld";
	disable_hyperscan = true;
	END
chown -R _rspamd "$DIR/filter"
mx rspamd -f -i -c /etc/rspamd/rspamd.conf --var=LOCAL_CONFDIR="$DIR/filter" --var=DBDIR="$DIR/filter" \
    --var=LOGDIR="$DIR/filter" --var=RUNDIR="$DIR/filter/run" -u _rspamd -g _rspamd >"$DIR/filter/out" 2>&1 &
score_of() { # address: the symbols of ours that a mail from there gets
	printf 'From: a@b.example\nTo: root@trap.example\nSubject: hello\n\nHello.\n' |
	    mx rspamc -h 127.0.0.1:11333 --ip "$1" symbols 2>/dev/null | grep -oE 'MXTRAP_(MAP|RBL)[^ ]* \([0-9.]+\)' | sort | tr '\n' ' '
}
scored() { [ "$(score_of "$1")" = "$2" ]; }

# --- three mail servers, each in a root of its own --------------------------------------

mkdir "$DIR/mtas"
mount -t tmpfs tmpfs "$DIR/mtas"
lay() { # name, package, its users: the package over this machine's files, with mxtrap-fetch as on another host
	local root=$DIR/mtas/$1 layers=$DIR/mtas/layers/$1 n=990 u
	mkdir -p "$root" "$layers/upper" "$layers/work"
	cp -a "$PACKAGES/$2" "$layers/package"
	mount -t overlay overlay -o "lowerdir=$layers/package:/,upperdir=$layers/upper,workdir=$layers/work" "$root" || exit 1
	# No mount of the machine's own /dev: whatever goes wrong, it stays out of reach.
	mount -t proc proc "$root/proc"
	for u in dev tmp run; do mount -t tmpfs tmpfs "$root/$u"; done
	mknod -m 666 "$root/dev/null" c 1 3
	mknod -m 666 "$root/dev/urandom" c 1 9
	mknod -m 666 "$root/dev/random" c 1 8
	chmod 1777 "$root/tmp"
	rm -f "$root/etc/resolv.conf"
	echo "nameserver 127.0.0.1" >"$root/etc/resolv.conf"
	echo "127.0.0.1 localhost mx1.trap.example mx1" >"$root/etc/hosts"
	echo mx1.trap.example >"$root/etc/mailname"
	install -m 755 -D "$HERE/deploy/mxtrap-fetch.sh" "$root/usr/local/sbin/mxtrap-fetch"
	snippet files fetch | sed "s|^URL=.*|URL=http://127.0.0.1:8725|; s|^TOKEN=.*|TOKEN=$TOKEN|" >"$root/etc/mxtrap-fetch.conf"
	shift 2
	for u; do
		echo "$u:x:$n:$n::/nonexistent:/usr/sbin/nologin" >>"$root/etc/passwd"
		echo "$u:x:$n:" >>"$root/etc/group"
		n=$((n + 1))
	done
}
in_root() { local root=$DIR/mtas/$1; shift; mx chroot "$root" "$@"; }
runs_cron() { # root, guide
	LISTS=/var/lib/mxtrap-fetch cron "$2" >"$DIR/cron"
	# With as little around it as cron gives.
	in_root "$1" env -i PATH=/usr/bin:/bin sh -e <"$DIR/cron" >"$DIR/cron.out" 2>&1 || { cat "$DIR/cron.out"; false; }
}
for_root() { LISTS=/var/lib/mxtrap-fetch snippet "$@"; }

lay exim exim4-daemon-light Debian-exim
E=$DIR/mtas/exim
for d in var/spool/exim4 var/log/exim4 run/exim4; do install -d -o 990 -g 990 "$E/$d"; done
mkdir -p "$E/var/lib/exim4"
cat >"$E/etc/exim4/update-exim4.conf.conf" <<-END
	dc_eximconfig_configtype='internet'
	dc_other_hostnames='trap.example'
	dc_local_interfaces='127.0.0.1'
	CFILEMODE='644'
	dc_use_split_config='true'
	dc_localdelivery='mail_spool'
	END
for_root exim macros >"$E/etc/exim4/conf.d/main/000_localmacros"
for_root exim macros >"$E/etc/exim4/exim4.conf.localmacros"
exim_by() { # block, split or not
	for_root exim "$1" >"$E/etc/exim4/mxtrap.acl"
	sed -i "s/^dc_use_split_config=.*/dc_use_split_config='$2'/" "$E/etc/exim4/update-exim4.conf.conf"
	in_root exim update-exim4.conf
}
exim_says() { # address
	printf 'EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<root@trap.example>\r\nQUIT\r\n' |
	    in_root exim exim4 -bh "$1" 2>/dev/null | grep -E '^[2-5][0-9][0-9] ' | tail -2 | head -1
}

lay opensmtpd opensmtpd opensmtpd opensmtpq
O=$DIR/mtas/opensmtpd
install -d -m 755 "$O/var/lib/opensmtpd/empty"
install -d -m 711 "$O/var/spool/smtpd"
chown 0:991 "$O/usr/sbin/smtpctl"
chmod 2755 "$O/usr/sbin/smtpctl"
{
	for_root opensmtpd config | sed 's/ port 25 / port 2526 /'
	echo 'action "local" mbox'
	echo 'match from any for domain "trap.example" action "local"'
} >"$O/etc/smtpd.conf"
# The guide's line, before there is a smtpd to be told.
in_root opensmtpd /usr/local/sbin/mxtrap-fetch opensmtpd
in_root opensmtpd smtpd -d >"$DIR/opensmtpd.log" 2>&1 &

lay sendmail sendmail-bin smmta smmsp
S=$DIR/mtas/sendmail
install -d -m 2750 -g 991 "$S/var/spool/mqueue"
install -d -m 2770 -o 991 -g 991 "$S/var/spool/mqueue-client"
install -d -g 991 "$S/run/sendmail/mta"
install -d -m 2750 -g 991 "$S/var/lib/sendmail/host_status"
printf 'localhost\ntrap.example\n' >"$S/etc/mail/local-host-names"
for f in trusted-users relay-domains; do : >"$S/etc/mail/$f"; done
# Of one's own: it wins.
printf 'Connect:%s\tOK\n' 198.18.9.9 >"$S/etc/mail/access"
sendmail_by() { # block, port, name of its configuration
	{
		cat <<-END
		define(\`_USE_ETC_MAIL_')dnl
		include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
		OSTYPE(\`debian')dnl
		DOMAIN(\`debian-mta')dnl
		FEATURE(\`no_default_msa')dnl
		FEATURE(\`use_cw_file')dnl
		FEATURE(\`accept_unresolvable_domains')dnl
		DAEMON_OPTIONS(\`Family=inet, Name=MTA-v4, Port=$2, Addr=198.51.100.20')dnl
		DAEMON_OPTIONS(\`Family=inet6, Name=MTA-v6, Port=$2, Addr=2001:db8:51::20')dnl
		define(\`confDOMAIN_NAME', \`mx1.trap.example')dnl
		undefine(\`ALIAS_FILE')dnl
		define(\`confQUEUE_LA', \`500')dnl
		define(\`confREFUSE_LA', \`500')dnl
		END
		for_root sendmail "$1"
		printf 'MAILER_DEFINITIONS\nMAILER(`local'"'"')dnl\nMAILER(`smtp'"'"')dnl\n'
	} >"$S/etc/mail/$3.mc"
	in_root sendmail m4 "/etc/mail/$3.mc" >"$S/etc/mail/$3.cf" 2>"$DIR/m4" || cat "$DIR/m4"
	in_root sendmail /usr/libexec/sendmail/sendmail -bD -C "/etc/mail/$3.cf" "-OPidFile=/run/$3.pid" >"$DIR/$3.log" 2>&1 &
}
sendmail_by access 2527 sendmail
sendmail_by dnsbl 2528 other
for_root sendmail makemap >"$S/usr/local/sbin/mxtrap-makemap"
chmod 755 "$S/usr/local/sbin/mxtrap-makemap"
check "the guide's line for Sendmail runs" runs_cron sendmail sendmail

# --- Postfix ----------------------------------------------------------------------------

# mxtrapd's own host: it asks for no token there.
printf 'DIR=%s\n' "$LISTS" >"$DIR/fetch.conf"
export MXTRAP_FETCH_CONF=$DIR/fetch.conf
ETC=$DIR/postfix/etc
cp "$ETC/main.cf" "$DIR/main.cf"
postfix_fetches() {
	cron postfix | sed "s|^mxtrap-fetch|$HERE/deploy/mxtrap-fetch.sh|; s|postfix reload|postfix -c $ETC reload|g" >"$DIR/cron"
	mx sh -e "$DIR/cron" >"$DIR/cron.out" 2>&1 || { cat "$DIR/cron.out"; false; }
}
postfix_by() { # blocks
	local b
	{
		grep -vE '^(smtpd_recipient_restrictions|postscreen_dnsbl|postscreen_access_list)' "$DIR/main.cf"
		for b; do snippet postfix "$b" | sed "s|unix:mxtrap/postfix.sock|unix:$DIR/postfix.sock|"; done
	} >"$ETC/main.cf"
	mx postfix -c "$ETC" reload >/dev/null 2>&1
}

# --- what each says ---------------------------------------------------------------------

says_it() { # server, addresses with commas between[, recipient]: a line each
	local a to=198.51.100.20,2001:db8:51::20
	case $1 in
	smtpd) client "$2" $to 25 "${@:3}" ;;
	postscreen) client "$2" 198.51.100.21,2001:db8:51::21 25 "${@:3}" ;;
	exim) for a in ${2//,/ }; do exim_says "$a"; done ;;
	opensmtpd) client "$2" $to 2526 ;;
	sendmail) client "$2" $to 2527 ;;
	sendmail-dnsbl) client "$2" $to 2528 ;;
	esac
}
# shellcheck disable=SC2053
like() { [[ "$(says_it "${@:2}")" == $1 ]]; }
WERE_TOLD=()
# shellcheck disable=SC2053
told() { [[ ${WERE_TOLD[$1]} == $2 ]]; }
# On a busy machine postscreen may not wait long enough for the DNSBL: it is asked again.
ask_all() { # server, how it refuses, what the last one is told
	mapfile -t WERE_TOLD < <(says_it "$1" $STAYS,$MID6,$HONEST,$HONEST6,$BOT)
	told 0 "$2" && told 1 "$2" && told 2 "250*" && told 3 "250*" && told 4 "$3"
}
judged() { # server, what it goes by, how it tells
	local last="250*"
	[ "$WHEN" = "the one that was allowed passes" ] || last=$3
	wait_for 6000 ask_all "$1" "$3" "$last"
	check "$1 by $2 refuses the listed one" told 0 "$3"
	check "$1 by $2 refuses one amid the /64" told 1 "$3"
	check "$1 by $2 lets an unlisted one pass" told 2 "250*"
	check "$1 by $2 lets an unlisted one pass by IPv6" told 3 "250*"
	check "$1 by $2, $WHEN" told 4 "$last"
}
all_judged() {
	postfix_by policy postscreen
	judged smtpd "policy service" "$TOLD"
	judged postscreen DNSBL "550 5.7.1 *bl.trap.example; contact postmaster@trap.example"
	check "who is refused can write to the contact" like "250*" smtpd $STAYS postmaster@trap.example
	postfix_by file postscreen-file
	judged smtpd file "$TOLD"
	judged postscreen file "550 5.3.2 Service currently unavailable; contact postmaster@trap.example"
	check "who is refused by file can write to the contact" like "250*" smtpd $STAYS postmaster@trap.example
	exim_by dnslists true
	judged exim DNSBL "$TOLD"
	exim_by file false
	judged exim file "$TOLD"
	judged opensmtpd table "$TOLD"
	judged sendmail "access map" "$TOLD"
	check "sendmail by DNSBL refuses the listed one" like "$TOLD" sendmail-dnsbl $STAYS
	check "sendmail by DNSBL lets an unlisted one pass" like "250*" sendmail-dnsbl $HONEST
}
greets() { like "[25]*" "$1" $HONEST; }
exim_by file true
check "exim without its file refuses nobody" like "250*" exim $STAYS
check "the guide's line for Exim runs" runs_cron exim exim
check "the guide's lines for Postfix run" postfix_fetches
for server in opensmtpd sendmail sendmail-dnsbl; do check "$server is there" wait_for 20000 greets $server; done
WHEN="the one to be allowed is refused"
all_judged
check "rspamd scores the listed one by the map and by the DNSBL" wait_for 45000 scored $BOT "MXTRAP_MAP (4.00) MXTRAP_RBL_LISTED (3.00) "
check "one amid the /64, too" scored $MID6 "MXTRAP_MAP (4.00) MXTRAP_RBL_LISTED (3.00) "
check "and nobody else" scored $HONEST ""

# --- allowed ----------------------------------------------------------------------------

mxtrap allow $BOT >/dev/null
# What was costly to make is served a little longer: cron would come again.
gets_next() { runs_cron "$1" "$1" && ! grep -qF "$BOT" "$DIR/mtas/$1/var/lib/mxtrap-fetch/$1"; }
postfix_gets_next() { postfix_fetches && ! grep -qF "$BOT" "$LISTS/postfix-cidr" "$LISTS/postscreen-cidr"; }
for server in exim opensmtpd sendmail; do check "the guide's line for $server takes the next list" wait_for 5000 gets_next $server; done
check "the guide's lines for Postfix take it" wait_for 5000 postfix_gets_next
WHEN="the one that was allowed passes"
all_judged
check "sendmail by DNSBL, $WHEN" like "250*" sendmail-dnsbl $BOT
check "rspamd lets it go at once by the DNSBL" wait_for 3000 eval '! score_of $BOT | grep -q RBL'
check "mxtrap consumers knows who has which list" eval 'mxtrap consumers | grep -qE "^mail +opensmtpd "'

# --- mxtrap-fetch: what failed harms nobody ---------------------------------------------

F=$LISTS/postfix-cidr
fetch() { mx "$HERE/deploy/mxtrap-fetch.sh" postfix-cidr "$@" >"$DIR/fetch.out" 2>&1; }
holds() { grep -qE "^$STAYS REJECT " "$F"; }
fetch
check "a list that did not change is not applied again" eval 'fetch "" "touch $DIR/applied" && [ ! -e "$DIR/applied" ]'
rm -f "$F.tag"
check "a check that fails keeps the old list" eval '! fetch false "touch $DIR/applied" && holds && [ ! -e "$DIR/applied" ]'
check "one that was not applied is tried again" eval '! fetch "" false && fetch "" "touch $DIR/applied" && [ -e "$DIR/applied" ]'
check "a list that somebody took away is fetched again" eval 'rm "$F" && fetch && holds'
echo "TOKEN=mxt_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" >>"$MXTRAP_FETCH_CONF"
check "a token that opens nothing keeps the old list" eval '! fetch && holds'
check "and nothing lies about" test -z "$(find "$LISTS" -name 'postfix-cidr.[0-9]*')"
mx python3 - 2>/dev/null <<-'END' &
	import http.server
	class Other(http.server.BaseHTTPRequestHandler):
	    def do_GET(self):
	        page = b"<html>Please log in.</html>\n"
	        half = self.path.startswith("/half/")
	        self.send_response(200)
	        self.send_header("Content-Length", "1000" if half else str(len(page)))
	        self.end_headers()
	        self.wfile.write(b"# mxtrap serial=1:1 changed=2026-01-01T00:00:00Z\n" if half else page)
	http.server.HTTPServer(("127.0.0.1", 8099), Other).serve_forever()
	END
printf 'DIR=%s\nURL=http://127.0.0.1:8099/half\n' "$LISTS" >"$MXTRAP_FETCH_CONF"
check "of an answer that breaks off nothing is taken" wait_for 15000 eval '! fetch && grep -q "curl: (18)" "$DIR/fetch.out" && holds'
printf 'DIR=%s\nURL=http://127.0.0.1:8099\n' "$LISTS" >"$MXTRAP_FETCH_CONF"
check "somebody else's page is no list" wait_for 15000 eval '! fetch && grep -q "no list of mxtrapd" "$DIR/fetch.out"'
check "and the old one stays" holds
touch -d '25 hours ago' "$F.tag"
check "but not for more than a day" eval '! fetch && ! holds'
printf 'DIR=%s\n' "$LISTS" >"$MXTRAP_FETCH_CONF"
check "then a list is one again" eval 'fetch && holds'
printf 'DIR=%s\nURL=http://127.0.0.1:1\n' "$LISTS" >"$MXTRAP_FETCH_CONF"
touch -d '23 hours ago' "$F.tag"
check "after a day without an answer, not before" eval '! fetch && holds'
touch -d '25 hours ago' "$F.tag"
check "it is emptied" eval '! fetch "" "postfix -c $ETC reload" && ! holds && grep -q "^# mxtrap serial=" "$F"'
check "and smtpd refuses nobody by it" wait_for 3000 like "250*" smtpd $STAYS

# --- a list that is not published ------------------------------------------------------

for server in exim opensmtpd sendmail; do
	unpublished $server >"$DIR/mtas/$server/var/lib/mxtrap-fetch/$server"
done
in_root opensmtpd smtpctl update table mxtrap >/dev/null
in_root sendmail env FILE=/var/lib/mxtrap-fetch/sendmail mxtrap-makemap
for server in exim opensmtpd sendmail; do
	check "by a list that is not published $server refuses nobody" wait_for 3000 like "250*" $server $STAYS
done
check "and OpenSMTPD would start with it" eval 'in_root opensmtpd smtpd -n 2>/dev/null'
check "rspamd takes such a map without a complaint" not grep -qE "nobody.map.*(empty|error|cannot)" "$DIR/filter/rspamd.log"

check "rspamd lets it go by the map, when that is a minute old" wait_for 75000 scored $BOT ""
check "and not the other" scored $STAYS "MXTRAP_MAP (4.00) MXTRAP_RBL_LISTED (3.00) "
kill $PID
wait $PID
exit $FAILED
