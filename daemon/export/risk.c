/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.c - mail at risk as an object: the members of an entry, and why it stands where it stands.
 */
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/mxset.h"
#include "mxtrap/risk.h"

static void
roles(struct json *j, const char *name, uint8_t mask)
{
	json_array(j, name);
	for (int role = ROLE_NOLISTING; role <= ROLE_BOGUS; role++)
		if ((mask & 1U << role) != 0)
			json_string(j, NULL, role_name((enum role)role));
	json_end(j);
}

const char *
export_risk_allow(const struct report_risk *risk, char buf[static EXPORT_ALLOW_SIZE])
{
	char what[PREFIX_TEXT_SIZE];
	struct prefix p = sender_prefix(risk->entry.key);

	(void)snprintf(buf, EXPORT_ALLOW_SIZE, "mxtrap allow %s --note 'mail at risk'", prefix_format(&p, what));
	return buf;
}

void
export_risk_json(struct json *j, const struct report_risk *risk)
{
	char allow[EXPORT_ALLOW_SIZE];

	json_object(j, NULL);
	export_entry_members(j, &risk->entry);
	json_real(j, "likeness", (double)risk->likeness, 1);
	json_array(j, "why");
	for (enum risk_reason i = 0; i < RISK_N; i++) {
		if ((risk->why & 1U << i) == 0)
			continue;
		json_object(j, NULL);
		json_string(j, "name", risk_name(i));
		json_real(j, "points", (double)risk_points(i), 1);
		json_string(j, "says", risk_says(i));
		json_end(j);
	}
	json_end(j);
	roles(j, "tried", risk->tried);
	roles(j, "failed", risk->failed);
	json_uint(j, "visits", risk->n_visits);
	json_uint(j, "attempts", risk->n_attempts);
	json_int(j, "shortest_pause", risk->shortest_s);
	json_int(j, "longest_pause", risk->longest_s);
	json_string(j, "fingerprint", risk->fingerprint[0] != '\0' ? risk->fingerprint : NULL);
	json_string(j, "allow", export_risk_allow(risk, allow));
	json_end(j);
}
