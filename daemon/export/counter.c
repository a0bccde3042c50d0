/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counter.c - the table of what is counted, in the order in which it is shown.
 */
#include "mxtrap/counter.h"

#include <string.h>

static const struct counter COUNTERS[] = {
	/* Losses: worth a look, whatever they are. */
	{ "ring_drops", "mxtrap_capture_ring_drops_total", "packets lost by the capture ring", COUNTER_LOSS },
	{ "interface_drops", "mxtrap_capture_interface_drops_total", "packets lost by the interface", COUNTER_LOSS },
	{ "rows_lost", "mxtrap_store_rows_lost_total", "rows that could not be stored", COUNTER_LOSS },
	{ "write_errors", "mxtrap_store_errors_total", "failed writes to the database", COUNTER_LOSS },
	{ "rows_bad", "mxtrap_store_rows_bad_total", "stored rows that cannot be true and were skipped", COUNTER_LOSS },
	{ "disk_full", "mxtrap_store_disk_full", "the disk is full: storing waits, watching goes on", COUNTER_FAULT },
	{ "was_corrupt", "mxtrap_store_was_corrupt",
	  "the database was corrupt: the old one is set aside, a new one begun", COUNTER_FAULT },
	{ "senders_refused", "mxtrap_senders_refused_total", "senders for which there was no room", COUNTER_LOSS },
	{ "recent_overflow", "mxtrap_evidence_out_of_reach_total",
	  "evidence that a later doubt could no longer reach", COUNTER_LOSS },
	{ "decoy_lost", "mxtrap_decoy_lost_total", "accepted connections that were not reported to watch", COUNTER_LOSS },
	{ "said_lost", "mxtrap_dialogues_untold_total",
	  "dialogues whose words were not reported to watch", COUNTER_LOSS },
	{ "accepts_lost", "mxtrap_accepts_lost_total", "accepted connections lost on the way to watch", COUNTER_LOSS },
	{ "touches_refused", "mxtrap_touches_refused_total", "touches that were not judged, for want of room",
	  COUNTER_LOSS },
	{ "proofs_refused", "mxtrap_proofs_refused_total", "handshakes that were not judged, for want of room",
	  COUNTER_LOSS },
	{ "timers_refused", "mxtrap_timers_refused_total",
	  "ends of visits and terms for which there was no room", COUNTER_LOSS },
	{ "never_refused", "mxtrap_never_refused_total", "entries of the never-list for which there was no room",
	  COUNTER_LOSS },
	{ "own_refused", "mxtrap_own_addresses_refused_total",
	  "own addresses, gateways and resolvers for which there was no room", COUNTER_LOSS },
	{ "own_failed", "mxtrap_own_addresses_failed_total", "looks at our own addresses that failed", COUNTER_LOSS },

	{ "firewall_failed", "mxtrap_firewall_failed_total", "listed senders that the kernel did not take", COUNTER_LOSS },
	{ "sighted_lost", "mxtrap_sighted_lost_total", "clients of the real MX that were not reported to watch", COUNTER_LOSS },
	{ "lookup_no_memory", "mxtrap_lookup_no_memory_total", "listed senders for which lookup had no room", COUNTER_LOSS },

	/* What came. */
	{ "frames", "mxtrap_capture_frames_total", "frames handed over by libpcap", COUNTER_SUM },
	{ "packets", "mxtrap_packets_total", "packets taken in", COUNTER_SUM },
	{ "attempts", "mxtrap_attempts_total", "connection attempts", COUNTER_SUM },
	{ "proven", "mxtrap_handshakes_total", "handshakes completed", COUNTER_SUM },
	{ "visits", "mxtrap_visits_total", "visits ended", COUNTER_SUM },
	{ "evidence", "mxtrap_evidence_total", "pieces of evidence, with those excused", COUNTER_SUM },
	{ "excused", "mxtrap_evidence_excused_total", "of them excused", COUNTER_SUM },
	{ "excused_grace", "mxtrap_evidence_excused_grace_total", "of these because watching had only begun",
	  COUNTER_SUM },
	{ "taken_back", "mxtrap_taken_back_total", "pieces of evidence that a purge took back", COUNTER_SUM },
	{ "senders", "mxtrap_senders", "senders in memory", COUNTER_NOW },
	{ "senders_new", "mxtrap_senders_new_total", "senders seen for the first time", COUNTER_SUM },
	{ "listed", "mxtrap_watch_listed", "of the senders in memory listed", COUNTER_NOW },
	{ "suspects", "mxtrap_watch_suspects", "of the senders in memory suspects", COUNTER_NOW },
	{ "alarms", "mxtrap_decoy_alarms", "decoys that do not behave as configured", COUNTER_NOW },
	{ "doubts", "mxtrap_doubts", "kinds of doubt that keep evidence from counting now", COUNTER_NOW },
	{ "decoy_accepted", "mxtrap_decoy_accepted_total", "connections that the decoys accepted", COUNTER_SUM },
	{ "decoy_overflows", "mxtrap_decoy_overflows_total", "overflows of the decoys' accept queues", COUNTER_BOUND },
	{ "dns_queries", "mxtrap_dns_queries_total", "questions to the DNSBL", COUNTER_SUM },
	{ "dns_listed", "mxtrap_dns_listed_total", "of them answered with a listing", COUNTER_SUM },
	{ "dns_not_listed", "mxtrap_dns_not_listed_total", "of them about nobody who is listed", COUNTER_SUM },
	{ "dns_suspects", "mxtrap_dns_suspects_total", "of them answered with a suspect, in the zone for those", COUNTER_SUM },
	{ "dns_refused", "mxtrap_dns_refused_total", "of them about names that are not the DNSBL's", COUNTER_SUM },
	{ "dns_malformed", "mxtrap_dns_malformed_total", "of them malformed", COUNTER_SUM },
	{ "dns_tcp", "mxtrap_dns_tcp_total", "connections to the DNSBL", COUNTER_SUM },
	{ "dns_slipped", "mxtrap_dns_slipped_total", "DNSBL: asked to come by TCP, because of the rate limit", COUNTER_BOUND },
	{ "dns_dropped", "mxtrap_dns_dropped_total", "DNSBL: answers not sent, for the rate limit", COUNTER_BOUND },
	{ "dns_tcp_full", "mxtrap_dns_tcp_full_total", "DNSBL: connections closed, because there were too many", COUNTER_BOUND },
	{ "policy_requests", "mxtrap_policy_requests_total", "questions of Postfix", COUNTER_SUM },
	{ "policy_refused", "mxtrap_policy_refused_total", "of them answered with REJECT", COUNTER_SUM },
	{ "policy_malformed", "mxtrap_policy_malformed_total", "connections of Postfix that spoke neither protocol", COUNTER_SUM },
	{ "policy_full", "mxtrap_policy_full_total", "idle connections of Postfix closed to make room", COUNTER_BOUND },
	{ "policy_slow", "mxtrap_policy_slow_total", "connections of Postfix ended by the deadline", COUNTER_BOUND },
	{ "sighted", "mxtrap_sighted_total", "clients that the real MX asked about", COUNTER_SUM },
	{ "sighted_accepted", "mxtrap_sighted_accepted_total", "clients whose message it took", COUNTER_SUM },
	{ "sighted_deferred", "mxtrap_sighted_deferred_total", "clients whose message it did not take", COUNTER_SUM },
	{ "sighted_unmatched", "mxtrap_sighted_unmatched_total", "questions from a server that is no real exchanger", COUNTER_SUM },
	{ "sighted_evicted", "mxtrap_sighted_evicted_total", "messages that were not followed to their end, for want of room",
	  COUNTER_BOUND },
	{ "lookup_known", "mxtrap_lookup_known", "listed senders and suspects that lookup knows", COUNTER_NOW },
	{ "lookup_claims", "mxtrap_lookup_claims", "1 if lookup may tell of them", COUNTER_NOW },
	{ "firewall_added", "mxtrap_firewall_added_total", "entries given to the kernel", COUNTER_SUM },
	{ "firewall_removed", "mxtrap_firewall_removed_total", "of them removed before their time", COUNTER_SUM },
	{ "firewall_resets", "mxtrap_firewall_resets_total", "times that the kernel's sets were filled again", COUNTER_SUM },
	{ "firewall_repairs", "mxtrap_firewall_repairs_total", "of these because another program changed the table", COUNTER_SUM },
	{ "firewall_withheld", "mxtrap_firewall_withheld_total", "entries that firewall itself left out", COUNTER_SUM },
	{ "firewall_refused4", "mxtrap_firewall_refused4_total", "IPv4 packets that the kernel refused", COUNTER_SUM },
	{ "firewall_refused6", "mxtrap_firewall_refused6_total", "IPv6 packets that the kernel refused", COUNTER_SUM },
	{ "dialogues", "mxtrap_dialogues", "SMTP dialogues open", COUNTER_NOW },
	{ "dialogues_total", "mxtrap_dialogues_total", "SMTP dialogues held", COUNTER_SUM },
	{ "said", "mxtrap_said_total", "dialogues with a decoy", COUNTER_SUM },
	{ "said_ours", "mxtrap_said_ours_total", "of them with mail for us", COUNTER_SUM },
	{ "said_foreign", "mxtrap_said_foreign_total", "of them with mail for somebody else's domain", COUNTER_SUM },
	{ "said_protocol", "mxtrap_said_protocol_total", "of them in HTTP, TLS or another protocol that is not SMTP", COUNTER_SUM },
	{ "own_addresses", "mxtrap_own_addresses", "addresses known to be our own, gateways' and resolvers'",
	  COUNTER_NOW },
	{ "correspondents", "mxtrap_correspondents", "hosts that we send mail to", COUNTER_NOW },
	{ "rows_written", "mxtrap_store_rows_total", "rows written to the database", COUNTER_SUM },
	{ "commits", "mxtrap_store_commits_total", "transactions committed", COUNTER_SUM },
	{ "queue", "mxtrap_store_queue_rows", "rows waiting to be written", COUNTER_NOW },
	{ "queue_max", "mxtrap_store_queue_rows_max", "rows that waited at most", COUNTER_NOW },
	{ "senders_unflushed", "mxtrap_senders_unflushed", "senders waiting to be written to the database", COUNTER_NOW },
	{ "memory_bytes", "mxtrap_tables_bytes", "bytes of tables", COUNTER_NOW },
	{ "bytes", "mxtrap_store_bytes", "bytes of database", COUNTER_NOW },

	/* What was not kept, because there is a bound. */
	{ "tallied", "mxtrap_attempts_tallied_total", "attempts counted in floods, not kept one by one",
	  COUNTER_BOUND },
	{ "attempts_evicted", "mxtrap_attempts_evicted_total", "attempts pushed out before their time",
	  COUNTER_BOUND },
	{ "visits_evicted", "mxtrap_visits_evicted_total", "visits pushed out before their time", COUNTER_BOUND },
	{ "senders_evicted", "mxtrap_senders_evicted_total", "senders dropped for room, all unproven",
	  COUNTER_BOUND },
	{ "pools_evicted", "mxtrap_pools_evicted_total", "pool memories dropped for room", COUNTER_BOUND },
	{ "networks_capped", "mxtrap_networks_capped_total",
	  "attempts of networks that brought too many senders", COUNTER_BOUND },
	{ "kin_lost", "mxtrap_kin_lost_total", "touches whose other family a flood made unknown", COUNTER_BOUND },
	{ "fingerprints_refused", "mxtrap_fingerprints_refused_total", "kinds of SYN that there were too many of to keep",
	  COUNTER_BOUND },
	{ "out_of_order", "mxtrap_packets_out_of_order_total", "packets older than the newest, taken as of its time",
	  COUNTER_BOUND },
	{ "late_events", "mxtrap_events_late_total", "events reported too late, taken as of now", COUNTER_BOUND },
	{ "peers_held", "mxtrap_peers_held_total", "times that a process wrote more in a second than watch reads", COUNTER_BOUND },
	{ "unmatched", "mxtrap_packets_unmatched_total", "answers and ACKs that belong to no attempt", COUNTER_BOUND },
	{ "accepts_over", "mxtrap_accepts_over_total",
	  "accepts not looked at, of senders that made thousands in the hour at a decoy off the wire", COUNTER_BOUND },
	{ "events_idle", "mxtrap_events_idle_total", "accepts and dialogues that changed nothing, and have no row", COUNTER_BOUND },
	{ "evidence_tallied", "mxtrap_evidence_tallied_total",
	  "excused evidence without a row, of senders that caused hundreds in the hour", COUNTER_BOUND },
	{ "unproven_accepts", "mxtrap_accepts_unproven_total", "accepts without the final ACK on the wire",
	  COUNTER_BOUND },
	{ "wrong_acks", "mxtrap_wrong_acks_total", "handshakes guessed at", COUNTER_BOUND },
	{ "wrong_evicted", "mxtrap_wrong_evicted_total", "guessers forgotten for room", COUNTER_BOUND },
	{ "proofs_doubted", "mxtrap_proofs_doubted_total", "proofs that guessing made doubtful", COUNTER_BOUND },
	{ "said_unmatched", "mxtrap_said_unmatched_total", "dialogues of no proven visit that was still open",
	  COUNTER_BOUND },
	{ "correspondents_evicted", "mxtrap_correspondents_evicted_total", "hosts that took our mail, forgotten for room",
	  COUNTER_BOUND },
	{ "correspond_overtaken", "mxtrap_correspond_overtaken_total",
	  "our own SYNs forgotten before an answer could come", COUNTER_BOUND },
	{ "dialogues_full", "mxtrap_dialogues_full_total", "connections reset for want of room for a dialogue",
	  COUNTER_BOUND },
	{ "dialogues_full_source", "mxtrap_dialogues_source_full_total",
	  "connections reset because their source had dialogues enough", COUNTER_BOUND },
	{ "dialogues_slow", "mxtrap_dialogues_slow_total", "dialogues ended by a deadline", COUNTER_BOUND },
	{ "dialogues_stuck", "mxtrap_dialogues_stuck_total", "dialogues ended because the client did not read",
	  COUNTER_BOUND },
	{ "dialogues_too_long", "mxtrap_dialogues_long_lines_total", "command lines over 512 octets", COUNTER_BOUND },
	{ "admin_refused", "mxtrap_admin_refused_total", "commands of operators that were not carried out",
	  COUNTER_BOUND },
	{ "senders_uncounted", "mxtrap_store_senders_uncounted_total",
	  "attempts at addresses of ours beyond the 1024 whose senders are counted apart", COUNTER_BOUND },
	{ "rows_dropped", "mxtrap_store_rows_dropped_total", "old rows deleted early, because the database was at its size",
	  COUNTER_BOUND },
};

const struct counter *
counter_at(size_t i)
{
	return i < sizeof(COUNTERS) / sizeof(COUNTERS[0]) ? &COUNTERS[i] : NULL;
}

const struct counter *
counter_find(const char *name)
{
	for (size_t i = 0; i < sizeof(COUNTERS) / sizeof(COUNTERS[0]); i++)
		if (strcmp(COUNTERS[i].name, name) == 0)
			return &COUNTERS[i];
	return NULL;
}

bool
counter_has_more(const struct counter *c, const char *value)
{
	switch (c->kind) {
	case COUNTER_SUM:
	case COUNTER_NOW:
		return false;
	case COUNTER_BOUND:
	case COUNTER_LOSS:
	case COUNTER_FAULT:
		break;
	}
	return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0 && strcmp(value, "no") != 0;
}
