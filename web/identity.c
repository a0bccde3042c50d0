/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.c - who asks: a token in a header or in the path, or else an address.
 *
 * A token is shown as "Authorization: Bearer TOKEN", as either part of Basic, as X-Api-Key (CrowdSec's
 * bouncers), or as /x/TOKEN/... where a consumer can do nothing but fetch a URL.  Whoever shows one that
 * opens nothing is refused, also where none is needed: a revoked consumer shall notice.
 */
#include <string.h>
#include <strings.h>

#include "mxtrap/token.h"
#include "web_int.h"

/* RFC 4648 section 4, of which Basic is made (RFC 7617).  Returns how many bytes; -1: none. */
static int
decode_base64(const char *text, char *out, size_t size)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	for (; *text != '\0' && *text != '='; text++) {
		static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
		const char *at = strchr(digits, *text);

		if (at == NULL || n + 1 >= size)
			return -1;
		bits = bits << 6 | (uint32_t)(at - digits);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (char)(bits >> n_bits & 0xff);
		}
	}
	out[n] = '\0';
	return (int)n;
}

/* Split "user:password" in place.  False: it is no such thing. */
static bool
read_basic(const char *text, char *buf, size_t size, const char **user, const char **password)
{
	char *colon;

	if (decode_base64(text, buf, size) <= 0 || (colon = strchr(buf, ':')) == NULL)
		return false;
	*colon = '\0';
	*user = buf;
	*password = colon + 1;
	return true;
}

/* What was shown, at most two of them; 0: nothing. */
static size_t
shown(const struct request *req, const char *tokens[2], char *buf, size_t size)
{
	const char *header = req->authorization;

	if (req->url_token[0] != '\0') {
		tokens[0] = req->url_token;
		return 1;
	}
	if (req->api_key[0] != '\0') {
		tokens[0] = req->api_key;
		return 1;
	}
	if (strncasecmp(header, "Bearer ", 7) == 0) {
		tokens[0] = header + 7 + strspn(header + 7, " ");
		return 1;
	}
	if (strncasecmp(header, "Basic ", 6) == 0 && read_basic(header + 6 + strspn(header + 6, " "), buf, size, &tokens[0], &tokens[1]))
		return 2;
	tokens[0] = header;
	return header[0] != '\0' ? 1 : 0;	/* another scheme: it opens nothing */
}

static enum report_result
look_up(struct web *web, const struct request *req, const char *token, struct report_token *who)
{
	uint8_t hash[TOKEN_HASH_SIZE];

	token_hash(token, hash);
	return report_token(web->report, hash, req->now_s, who);
}

bool
identity_of(struct web *web, const struct request *req, const char *wanted, bool needed, struct identity *out, struct reply *reply)
{
	enum report_result result = REPORT_NONE;
	struct report_token who;
	const char *tokens[2];
	char buf[256];
	size_t n = shown(req, tokens, buf, sizeof(buf));

	(void)snprintf(out->who, sizeof(out->who), "%s", req->client);
	out->by_token = false;
	out->shown[0] = '\0';
	if (n == 0 && !needed)
		return true;
	for (size_t i = 0; i < n && result == REPORT_NONE; i++) {
		result = look_up(web, req, tokens[i], &who);
		if (result == REPORT_OK)
			(void)snprintf(out->shown, sizeof(out->shown), "%s", tokens[i]);
	}
	explicit_bzero(buf, sizeof(buf));
	if (result > REPORT_NONE) {
		reply_report(reply, result);
		return false;
	}
	if (result == REPORT_OK && token_may(who.scope, wanted)) {
		(void)snprintf(out->who, sizeof(out->who), "%s", who.name);
		out->by_token = true;
		return true;
	}
	atomic_fetch_add_explicit(&web->counters.refused_tokens, 1, memory_order_relaxed);
	if (result == REPORT_OK)
		reply_problem(reply, 403, "this token may not do that: it needs the scope %s", wanted);
	else if (strcmp(wanted, TOKEN_SCOPE_LAPI) == 0 || req->url_token[0] != '\0')
		reply_problem(reply, 403, "expected a token that mxtrap token add made, with the scope %s", wanted);
	else
		reply_problem(reply, 401, "expected Authorization: Bearer TOKEN, with one that mxtrap token add made, "
		    "or the first one, which is in mxtrapd's log");
	return false;
}
