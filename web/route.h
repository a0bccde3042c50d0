/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.h - a row of the table of routes: a path, what it takes, and what answers it.
 *
 * The table (routes.c) is all that knows them; what a request is refused with is made of it (refuse.c).
 */
#ifndef MXTRAP_WEB_ROUTE_H
#define MXTRAP_WEB_ROUTE_H

#include "web_int.h"

#define ROUTE_PARAMS 11

struct route_param {
	const char *name;		/* NULL ends */
	const char *form;		/* "1 to 1000" */
};

struct route {
	const char *path;		/* ends in "/" where an argument follows */
	handler	   *handle;
	handler	   *changes;		/* what POST does there, beside GET; without web.lock */
	const char *arg;		/* what the argument is: "ADDRESS"; NULL: there is none */
	const char *also;		/* the same by another path, as a person would write it; NULL: none */
	bool	    prefix;		/* the argument may be one, with its slash as such */
	bool	    no_database;	/* answers without one */
	bool	    any_host;		/* whatever the Host: it has nothing of any sender */
	bool	    posts;		/* changes something: POST, and nothing else */
	struct route_param params[ROUTE_PARAMS];
};

extern const struct route routes[];
extern const size_t n_routes;

/* 404: the path that is nearest, and all that there are. */
void refuse_path(const char *path, struct reply *);
/* 400: a parameter that this route does not take, and those that it does. */
void refuse_param(const struct route *, const char *name, struct reply *);
/* 405, with Allow.  route NULL: a part of the page. */
void refuse_method(const struct route *, const char *method, struct reply *);

#endif
