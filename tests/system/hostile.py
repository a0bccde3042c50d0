#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostile.py - 2,000 strings that no page, terminal or file shall take for more than text.

send TARGET SOURCE...	say them to a decoy that talks, as HELO and as a recipient's domain
fetch URL TOKEN		fetch with them as User-Agent, and allow with them as notes
check URL DIR SOURCE...	look at every answer of the API, every export and what the command printed into DIR
"""
import asyncio, http.client, json, random, re, signal, socket, sys, urllib.parse

N = 2000
PIECES = [
    b"<script>alert(1)</script>", b"</script><script>alert(1)</script>", b"<img src=x onerror=alert(1)>", b"<svg/onload=alert(1)>",
    b"\"><b>", b"'\"`", b"&lt;script&gt;", b"&#60;", b"javascript:alert(1)", b"{{7*7}}", b"${7*7}", b"<!--", b"-->", b"]]>", b"<![CDATA[",
    b"\\", b"\\\"", b"\\u003c", b"\\x3c", b"\",\"state\":\"allowed\",\"x\":\"", b"\"}]}", b"\x00", b"a\x00b", b"\x01\x02\x03", b"\x07\x08\x0b\x0c",
    b"\x1b[31m", b"\x1b]0;title\x07", b"\x1b[2J\x1b[H", b"\x1bP", b"\x9b31m", b"\xc2\x9b31m", b"\x7f", b"\xff\xfe", b"\xc0\xbc", b"\xe2\x80\xae", b"\xe2\x80\x8f",
    b"\xe2\x81\xa6", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"e\xcc\x81" * 20,
    b"%n%s%x%p", b"%00", b"../../etc/passwd", b"'; DROP TABLE sender; --", b"$(reboot)", b"`reboot`", b"|id", b";id", b"# ", b"\t", b"=cmd|'/c calc'!A0",
    b"+1", b"@SUM(1)", b",,,", b"\"\"\"", b"xn--", b"." * 60, b"a" * 255, b"A" * 500, b"b" * 1200, b"mail.example.org", b"[192.0.2.1]", b"-", b"::1", b"~", b"*",
]


def strings():
    rnd = random.Random(5)
    out = list(PIECES)
    while len(out) < N:
        s = b"".join(rnd.choice(PIECES) for _ in range(rnd.randint(1, 4)))
        if rnd.random() < 0.3:
            s += bytes(rnd.randrange(256) for _ in range(rnd.randint(1, 20)))
        out.append(s)
    # A line is one line, and a name is one word.
    return [s.replace(b"\r", b"").replace(b"\n", b"")[:2000] or b"-" for s in out[:N]]


async def say(sem, target, source, text, early):
    async with sem:
        try:
            r, w = await asyncio.open_connection(target, 25, local_addr=(source, 0))
            if early:
                w.write(b"EHLO " + text + b"\r\n")
            await asyncio.wait_for(r.readline(), 10)
            if not early:
                w.write(b"EHLO " + text + b"\r\n")
            w.write(b"MAIL FROM:<" + text[:50] + b">\r\nRCPT TO:<x@" + text + b">\r\n" + text + b"\r\nQUIT\r\n")
            await asyncio.wait_for(r.read(), 15)
            w.close()
            return True
        except (OSError, asyncio.TimeoutError, ConnectionError):
            return False


async def send(target, sources):
    sem = asyncio.Semaphore(150)
    done = await asyncio.gather(*(say(sem, target, sources[i % len(sources)], s, i % 5 == 0) for i, s in enumerate(strings())))
    print(sum(done))


def connect(url):
    return http.client.HTTPConnection(urllib.parse.urlparse(url).netloc, timeout=30)


def fetch(url, token):
    sent = 0
    for i, s in enumerate(strings()):
        agent = bytes(b for b in s if b != 0)[:200] or b"-"
        if i % 8 == 0:
            c = connect(url)
            c.putrequest("GET", "/export/plain?limit=%d" % (1 + i % 64), skip_accept_encoding=True)
            c._buffer.append(b"User-Agent: " + agent)
            c.endheaders()
            sent += c.getresponse().status == 200
            c.close()
        if i % 8 == 1:
            c = connect(url)
            body = json.dumps({"cidr": "198.18.%d.%d" % (200 + i // 250 % 50, i % 250), "note": s.decode("utf-8", "replace").replace("\0", "")[:60]})
            c.request("POST", "/api/v1/allow", body.encode(), {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
            r = c.getresponse()
            r.read()
            sent += r.status == 200
            c.close()
    print(sent)


def get(url, path):
    c = connect(url)
    c.request("GET", path, headers={"User-Agent": "check"})
    r = c.getresponse()
    body = r.read()
    kind = r.getheader("Content-Type") or ""
    c.close()
    return r.status, kind, body


BAD = 0


def fault(what):
    global BAD
    BAD += 1
    if BAD < 20:
        print("hostile: " + what, file=sys.stderr)


def look(name, kind, body):
    """Nothing in it is markup, or moves a terminal."""
    lines = body.split(b"\n")
    for b in (b"\r", b"\x7f", b"\x1b", b"\x00"):
        if b in body:
            fault("%s: found a byte %r" % (name, b))
    if "json" in kind:
        if b"<" in body or b">" in body:
            fault("%s: found markup: %r" % (name, body[max(0, body.find(b"<") - 40):body.find(b"<") + 40]))
        try:
            text = body.decode("utf-8")
            for line in [text] if "ndjson" not in kind else text.splitlines():
                if line:
                    json.loads(line)
        except ValueError as e:
            fault("%s: no JSON: %s" % (name, e))
        if re.search("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", body.decode("utf-8", "replace")):
            fault("%s: found a control character" % name)
    else:
        for line in lines:
            if any(c < 0x20 and c != 9 or c >= 0x7f for c in line):
                fault("%s: found more than printable text: %r" % (name, line[:120]))
                break


def check(url, folder, sources):
    heard = set()
    for s in sources:
        status, kind, body = get(url, "/api/v1/senders/%s?limit=1000" % s)
        if status != 200:
            fault("%s: status %d" % (s, status))
            continue
        look("the story of " + s, kind, body)
        heard |= {x["helo"] for x in json.loads(body)["said"] if x["helo"]}
    paths = [line.split(":")[0].strip() for line in open("docs/openapi.yaml") if re.match(r"  /[^ ]*:$", line)]
    n = 0
    for p in paths:
        if "{" in p or p == "/api/v1/events":
            continue
        for q in ("", "?limit=500", "?state=all&limit=1000", "?query=noticed"):
            status, kind, body = get(url, p + q)
            n += status == 200
            look(p + q, kind, body)
    formats = re.findall(r"[a-z][a-z0-9-]+", json.loads(get(url, "/export/none")[2])["detail"])
    for f in sorted(set(formats)):
        status, kind, body = get(url, "/export/%s?include=suspects,scanners" % f)
        if status == 200:
            n += 1
            look("/export/" + f, kind, body)
    import os
    for name in sorted(os.listdir(folder)):
        look("the command's " + name, "json" if name.endswith("json") else "text", open(os.path.join(folder, name), "rb").read())
    print(len(heard), n, BAD)


async def touch(sem, target, source):
    async with sem:
        try:
            r, w = await asyncio.open_connection(target, 25, local_addr=(source, 0))
            w.close()
            return True
        except OSError:
            return False


async def grow(target, n):
    """So many senders come to a decoy."""
    sem = asyncio.Semaphore(50)
    done = await asyncio.gather(*(touch(sem, target, f"198.18.{100 + i // 250}.{i % 250 + 1}") for i in range(n)))
    print(sum(done))


def hold(host, port, n, told):
    """Open connections that ask nothing, until we are ended."""
    held = [socket.create_connection((host, port)) for _ in range(n)]
    open(told, "w").close()
    signal.pause()
    return held


if sys.argv[1] == "hold":
    hold(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
elif sys.argv[1] == "grow":
    asyncio.run(grow(sys.argv[2], int(sys.argv[3])))
elif sys.argv[1] == "send":
    asyncio.run(send(sys.argv[2], sys.argv[3:]))
elif sys.argv[1] == "fetch":
    fetch(sys.argv[2], sys.argv[3])
else:
    check(sys.argv[2], sys.argv[3], sys.argv[4:])
