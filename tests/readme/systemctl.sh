#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# systemctl.sh - in the roots of check-readme, in place of systemctl: no systemd runs there.
#
# For mxtrapd it does what the unit and its drop-ins say: the check before the start, the state and runtime
# directories, a root file system that is read-only but for these and ReadWritePaths, the capabilities of
# CapabilityBoundingSet, no new privileges, the umask; and waits until mxtrapd is ready.  Its log is /var/log/mxtrapd.
set -eu
PIDFILE=/run/mxtrapd.pid LOG=/var/log/mxtrapd
UNIT=$(ls /usr/lib/systemd/system/mxtrapd.service /usr/local/lib/systemd/system/mxtrapd.service 2>/dev/null | head -1)
says() { # KEY: its values in the unit and the drop-ins
	cat "$UNIT" /etc/systemd/system/mxtrapd.service.d/*.conf 2>/dev/null | sed -n "s/^$1=//p"
}
stop() {
	[ -e $PIDFILE ] || return 0
	pid=$(cat $PIDFILE)
	kill "$pid" 2>/dev/null || :
	for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
	rm -f $PIDFILE
}
start() {
	[ ! -e $PIDFILE ] || ! kill -0 "$(cat $PIDFILE)" 2>/dev/null || return 0
	install -d -m "$(says StateDirectoryMode | tail -1)" "/var/lib/$(says StateDirectory)"
	install -d "/run/$(says RuntimeDirectory)"
	sh -c "$(says ExecStartPre)" || { echo "systemctl: ExecStartPre failed" >&2; exit 1; }
	WRITABLE="/var/lib/$(says StateDirectory) /run/$(says RuntimeDirectory) $(says ReadWritePaths | sed 's/^-//; s/ -/ /g')"
	CAPS=-all$(says CapabilityBoundingSet | tr ' ' '\n' | sed 's/^CAP_/,+/' | tr 'A-Z\n' 'a-z ' | tr -d ' ')
	UMASK=$(says UMask) COMMAND=$(says ExecStart)
	export WRITABLE CAPS UMASK COMMAND
	: >$LOG
	# shellcheck disable=SC2016 # expanded there
	setsid unshare -m sh -c '
		mount --make-rprivate /
		for d in $WRITABLE; do [ ! -d "$d" ] || mount --bind "$d" "$d"; done
		mount -o remount,bind,ro /
		umask "${UMASK:-022}"
		exec setpriv --no-new-privs --bounding-set "$CAPS" $COMMAND' >>$LOG 2>&1 &
	echo $! >$PIDFILE
	for _ in $(seq 600); do
		! grep -q "all processes are ready" $LOG || return 0
		kill -0 "$(cat $PIDFILE)" 2>/dev/null || { cat $LOG >&2; exit 1; }
		sleep 0.1
	done
	cat $LOG >&2
	exit 1
}
command=$1
shift
case " $* " in *" mxtrapd "*) ;; *) exit 0 ;; esac	# of another service
case $command in
start | enable) start ;;
stop | disable) stop ;;
restart) stop; start ;;
reload) kill -HUP "$(cat $PIDFILE)" ;;
daemon-reload | edit) ;;
*) echo "systemctl.sh: $command is not known here" >&2; exit 2 ;;
esac
