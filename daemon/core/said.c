/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * said.c - is the mail for us, and does the client name itself as no mail server may?
 */
#include "mxtrap/said.h"

#include <string.h>
#include <strings.h>

#include "mxtrap/domain.h"

static bool
is_domain_of(const struct mxset *set, const char *domain)
{
	for (size_t i = 0; i < set->n_domains; i++)
		if (domain_same(set->domains[i], domain))
			return true;
	return false;
}

static bool
is_name_of_ours(const struct ladder *ladder, const char *name)
{
	for (size_t i = 0; i < ladder->n_sets; i++) {
		const struct mxset *set = &ladder->sets[i];

		if (is_domain_of(set, name))
			return true;
		for (size_t j = 0; j < set->n_exchangers; j++)
			if (domain_same(set->exchangers[j].name, name))
				return true;
	}
	return false;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321, 4.1.3): what stands between the brackets. */
static bool
in_brackets(const char *text, char *out, size_t size)
{
	size_t n = strlen(text), from = 1;

	if (n < 3 || text[0] != '[' || text[n - 1] != ']')
		return false;
	if (strncasecmp(text + 1, "IPv6:", 5) == 0)
		from = 6;
	if (n - 1 - from >= size)
		return false;
	memcpy(out, text + from, n - 1 - from);
	out[n - 1 - from] = '\0';
	return true;
}

static bool
is_bad_helo(const struct ladder *ladder, const char *helo)
{
	char inner[ADDR_TEXT_SIZE];
	struct addr a;

	if (helo[0] == '\0')
		return true;
	if (in_brackets(helo, inner, sizeof(inner)))
		return addr_parse(&a, inner) && ladder_is_ours(ladder, &a);
	return addr_parse(&a, helo) || is_name_of_ours(ladder, helo);
}

uint16_t
said_of(const struct ladder *ladder, uint16_t set, uint16_t bits, const char *helo, const char *domain)
{
	char name[DOMAIN_SIZE];
	bool foreign = domain_normalize(domain, name);	/* nobody's MX can bring mail for anything else */

	bits &= SAID_OF_DECOY;
	if ((bits & SAID_HELO) != 0 ? is_bad_helo(ladder, helo) : (bits & SAID_NO_HELO) != 0)
		bits |= SAID_BAD_HELO;
	if ((bits & SAID_RCPT) == 0)
		return bits;
	if (is_domain_of(&ladder->sets[set], domain))
		return bits | SAID_OURS;
	for (size_t i = 0; i < ladder->n_sets && foreign; i++)
		foreign = !is_domain_of(&ladder->sets[i], domain);
	return foreign ? bits | SAID_FOREIGN : bits;
}

const char *
said_name(uint16_t bit)
{
	static const char *const names[] = {
		"early", "tls", "helo", "mail", "rcpt", "order", "no_helo", "end", "bad_helo", "ours", "foreign",
		"foreign_protocol", "unknown_command",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bit == 1U << i)
			return names[i];
	return NULL;
}
