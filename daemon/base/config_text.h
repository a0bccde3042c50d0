/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_text.h - what the config*.c files share: the text, its words, its values, its faults.
 *
 * Private to daemon/base.  A text goes through config_scan.c (words with their lines),
 * config_tree.c (sections and values, by the rules of config_rule.c), config_read.c and its
 * neighbours (values into struct config) and config_check.c.  None of them stops at a
 * fault: each says it to config_fault.c and goes on, so that all are reported at once.
 */
#ifndef MXTRAP_CONFIG_TEXT_H
#define MXTRAP_CONFIG_TEXT_H

#include "mxtrap/config.h"

/* Faults (config_fault.c). */
#define CONFIG_FAULTS 20		/* reported of one text; of more, how many */

struct config_fault {
	unsigned line;
	char	*text;			/* owned */
};
struct config_faults {			/* those of the lowest lines, in order */
	size_t	 n;
	unsigned seen;			/* all of them */
	struct config_fault fault[CONFIG_FAULTS];
};
struct config_source {
	/*
	 * For messages: the file, and for each one that it includes "\nLINE FILE": from that line of
	 * the text on.
	 */
	const char *path;
	unsigned    errors;		/* how many things were wrong so far */
	struct config_faults faults, warnings;
};

/* Note `line: ` and the rest, and count it.  What is no printable ASCII is shown as <U+00A0>. */
void config_wrong(struct config_source *, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Note `line: found "text", expected ...`. */
void config_found(struct config_source *, unsigned line, const char *text, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Note what is allowed and probably not meant: no fault. */
void config_doubt(struct config_source *, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Each as FILE:LINE: TEXT in the order of lines, and how many more there are. */
void config_faults_print(const struct config_source *, void *stdio_file);
/* The warnings in the same form, as one text; caller frees.  NULL: there are none, or no memory. */
char *config_warnings_text(const struct config_source *);
void config_source_free(struct config_source *);

/* Files (config_include.c). */
/* An included file's text stands behind a line of this and its name. */
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

/* Words (config_scan.c). */
enum config_token_type { CONFIG_WORD, CONFIG_STRING, CONFIG_OPEN, CONFIG_CLOSE, CONFIG_EQUALS,
    CONFIG_COMMA, CONFIG_FILE, CONFIG_END };
struct config_token {
	const char *text;		/* of a word or string, decoded; else "" */
	unsigned    line;
	uint8_t	    type;		/* enum config_token_type */
	bool	    bad;		/* a fault in it was reported: its text means nothing */
	bool	    tight;		/* nothing stands between it and the one before */
};
struct config_tokens {
	size_t n;			/* the last one is CONFIG_END */
	struct config_token *at;	/* owned */
	char *text;			/* owned: what they point to */
};
/* False: no memory, or too much text; said.  Faults are noted and the rest is read. */
bool config_scan(struct config_source *, const char *text, struct config_tokens *out);
void config_tokens_free(struct config_tokens *);
/* The code point at p and how many bytes it has; a byte that is no UTF-8 gives -1 and 1. */
long config_code_point(const char *p, size_t *bytes);

/* Values (config_value.c). */
struct config_value {			/* a value and where it stands */
	unsigned    line;
	const char *text;
};

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

/* Why a text is none of what belongs there, and what was meant by it (config_hint.c): "" or
 * ": ...", to stand behind "expected ...".  Returns buf. */
#define CONFIG_HINT_SIZE 256
const char *config_hint_addr(const char *text, char buf[static CONFIG_HINT_SIZE]);
const char *config_hint_prefix(const char *text, char buf[static CONFIG_HINT_SIZE]);
const char *config_hint_host(const char *text, char buf[static CONFIG_HINT_SIZE]);
const char *config_hint_listen(const char *text, char buf[static CONFIG_HINT_SIZE]);
const char *config_hint_interface(const char *text, char buf[static CONFIG_HINT_SIZE]);
const char *config_hint_path(const char *text, char buf[static CONFIG_HINT_SIZE]);
/* Can an interface of this host have that name? */
bool config_interface(const char *text);

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
	bool	    broken;			/* a set with faults of its own: what it lacks is not missing */
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
/* places: every address; rungs: every set (exchanger "") and exchanger.  postfix: there is such a section. */
void config_check(struct config_source *, struct config *, const struct config_places *places,
    const struct config_places *rungs, bool postfix);

/* Where the program itself will listen, and the line that says so (config_listen.c). */
struct config_listener {
	const char *section;			/* "web" */
	const char *text;			/* in config: "127.0.0.1:8725" or "unix:/PATH" */
	unsigned    line;
};
struct config_listeners {
	size_t n;
	struct config_listener at[3 * CONFIG_MAX_LISTEN];
};
/* No two on one port, and none on port 25 of an exchanger. */
void config_check_listeners(struct config_source *, const struct config *, const struct config_listeners *,
    const struct config_places *places);

#endif
