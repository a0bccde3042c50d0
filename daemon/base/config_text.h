/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_text.h - what the config*.c files share: the text, its values, its complaints.
 *
 * Private to daemon/base.  libconfuse loses count of lines in comments and keeps
 * no line for a value, so the text is first brought into a plain form in which
 * every value and title carries its own line ("12:value").
 */
#ifndef MXTRAP_CONFIG_TEXT_H
#define MXTRAP_CONFIG_TEXT_H

#include "mxtrap/config.h"

struct config_source {
	/*
	 * For messages: the file, and for each one that it includes "\nLINE FILE": from that line of
	 * the text on.  One string, so that libconfuse can carry it to its complaints.
	 */
	const char *path;
	unsigned    errors;		/* how many things were wrong so far */
};

/* An included file's text stands behind a line of this and its name (config_include.c). */
#define CONFIG_FILE_MARK '\x01'
#define CONFIG_FILE_SIZE 512		/* a name of a file, and a line, in a message */
struct config_include {
	unsigned line;			/* where it was named */
	char	 name[256];
};
/* What a text includes, in order, at most max.  False: more, or a name that is too long. */
bool config_text_includes(const char *text, struct config_include *out, size_t max, size_t *n);
/* The source's path for a text with marks; caller frees.  NULL: no memory. */
char *config_files(const char *path, const char *text);
/* Whose line of the text this is; *line becomes the file's own.  Returns buf. */
const char *config_file_of(const struct config_source *, unsigned *line, char buf[static CONFIG_FILE_SIZE]);
/* "line 3", or "line 3 of FILE" where it is an included one.  Returns buf. */
const char *config_line(const struct config_source *, unsigned line, char buf[static CONFIG_FILE_SIZE]);

/* Say `path:line: ` and the rest; counts it.  Falls silent after 20. */
void config_wrong(struct config_source *, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Say `path:line: found "text", expected ...`. */
void config_found(struct config_source *, unsigned line, const char *text, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same configuration in the form that libconfuse is given; caller frees.  NULL: said why. */
char *config_text_plain(struct config_source *, const char *text);

struct config_value {			/* a value as the plain form holds it */
	unsigned    line;
	const char *text;
};
struct config_value config_value(const char *carried);

/* "300s" "30m" "24h" "14d" "2w": whole seconds. */
bool config_duration(const char *text, uint32_t *seconds);
/* "65536", "64KiB", "64MiB", "4GiB": bytes. */
bool config_size(const char *text, uint64_t *bytes);
bool config_number(const char *text, uint64_t *number);
bool config_real(const char *text, double *number);
bool config_bool(const char *text, bool *yes);
/* A host or domain name (letters, digits, - and _), made lower case. */
bool config_host(const char *text, char out[static MXSET_NAME_SIZE]);
/* Printable ASCII without spaces or quotes, shorter than size. */
bool config_word(const char *text, char *out, size_t size);
/* Canonical text of a time or size: the largest unit that divides it. */
#define CONFIG_VALUE_SIZE 32
const char *config_duration_text(uint32_t seconds, char buf[static CONFIG_VALUE_SIZE]);
const char *config_size_text(uint64_t bytes, char buf[static CONFIG_VALUE_SIZE]);

/* The fewest digits that bring back the very number (single: the very float). */
const char *config_real_text(double, bool single, char buf[static CONFIG_VALUE_SIZE]);

/* One value in a field of its own.  One table of them serves reading and printing. */
enum config_type { CONFIG_BOOL, CONFIG_DURATION, CONFIG_NUMBER, CONFIG_REAL,
    CONFIG_SIZE32, CONFIG_SIZE64 };
struct config_field {
	const char *section;		/* "": none */
	const char *key;
	size_t	    offset;		/* in struct config */
	enum config_type type;
	double	    low, high;		/* bounds, both allowed */
};
#define CONFIG_N_FIELDS 26
extern const struct config_field config_fields[CONFIG_N_FIELDS];
void config_field_read(struct config_source *, const struct config_field *, struct config_value,
    struct config *);
/* The field's value as the configuration would say it. */
const char *config_field_text(const struct config_field *, const struct config *,
    char buf[static CONFIG_VALUE_SIZE]);
/* May this kind of evidence be given points?  (Some are counted, never weighed.) */
bool config_weighable(enum evidence_kind);

/* Everything that needs more than one value to be judged: addresses, preferences, sums.
 * Lines of exchangers (in file order, sets one after another) come from the reader. */
struct config_place {
	size_t	    set;			/* index in ladder.sets; SIZE_MAX: control */
	unsigned    line;
	struct addr addr;			/* of an address */
	bool	    is_public;			/* of an exchanger: what the Internet sees */
	/* "": control-addresses, or the set itself.  A copy: ladder_finish() moves exchangers. */
	char	    exchanger[MXSET_NAME_SIZE];
};
struct config_places {
	size_t n, cap;
	struct config_place *place;		/* owned */
};
void config_places_add(struct config_source *, struct config_places *, const struct config_place *);
/* places: every address; rungs: every set (exchanger "") and exchanger. */
void config_check(struct config_source *, struct config *, const struct config_places *places,
    const struct config_places *rungs);

#endif
