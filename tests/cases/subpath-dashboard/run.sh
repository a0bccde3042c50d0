#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The page works under a path as it does at the root: each address in it is relative.
. "$(dirname "$0")/../cases.inc"
live_up
cat >"$DIR/proxy.py" <<'END'
import http.client, http.server, socketserver
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if not self.path.startswith("/mxtrap/"):
            return self.send_error(404)
        inside = http.client.HTTPConnection("127.0.0.1", 8725)
        inside.request("GET", self.path[7:], headers={"Host": "127.0.0.1:8725"})
        answer = inside.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
Server(("127.0.0.1", 8080), Proxy).serve_forever()
END
ip netns exec "$P-a" python3 "$DIR/proxy.py" &
U=http://127.0.0.1:8080
check "the page is there" wait_for 5000 eval '[ "$(code $U/mxtrap/)" = 200 ]'
a python3 - $U/mxtrap/ >"$DIR/walked" <<'END'
import re, sys, urllib.error, urllib.parse, urllib.request
base = sys.argv[1]
todo, seen, wrong = [base], set(), []
while todo:
    url = todo.pop()
    if url in seen:
        continue
    seen.add(url)
    try:
        with urllib.request.urlopen(url, timeout=60) as f:
            text, kind = f.read().decode("utf-8", "replace"), f.headers["Content-Type"]
    except urllib.error.HTTPError as e:
        wrong.append(f"{url}: {e.code}")
        continue
    found = []
    if "html" in kind:
        found = re.findall(r'(?:src|href)="([^"#][^"]*)"', text)
    elif "javascript" in kind:
        found = re.findall(r'''(?:from|import)\s*\(?["'](\.{0,2}/[^"']+)["']''', text)
        wrong += [f"{url}: asks {a} at the root" for a in re.findall(r'''["\x60'](/(?:api|export|v1|x)/[^"\x60'$]*)''', text)
                  if re.search(r'''(?:fetch|EventSource|get|ask|post)\(\s*["\x60']''' + re.escape(a), text)]
    elif "css" in kind:
        found = re.findall(r'url\(["\x27]?([^)"\x27:]+)["\x27]?\)', text)
    for f in found:
        to = urllib.parse.urljoin(url, f)
        if not to.startswith(base):
            if urllib.parse.urlparse(to).netloc == urllib.parse.urlparse(base).netloc:
                wrong.append(f"{url}: {f} leads out of the path")
        else:
            todo.append(to)
print(len(seen), "files")
print("\n".join(wrong))
sys.exit(bool(wrong) or len(seen) < 5)
END
check "whatever it asks for is under its path" test $? = 0
sed 's/^/     /' "$DIR/walked" | head -12
check "and so is the API" test "$(code $U/mxtrap/api/v1/status)" = 200
live_stop
exit $FAILED
