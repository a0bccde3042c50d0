/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * embed.c - host tool: files to C tables.
 *
 * embed assets FILE...      the page: path, media type, ETag, bytes   (include/mxtrap/asset.h); FILE.gz,
 *                           if there is one, beside it
 * embed migrations FILE...  NNNN_name.sql: version and text           (include/mxtrap/migration.h)
 * Writes C to standard output.  What it cannot read fails the build.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static const char *
media_type(const char *name)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" }, { ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" }, { ".svg", "image/svg+xml" },
		{ ".json", "application/json" }, { ".png", "image/png" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	fprintf(stderr, "embed: %s: no media type for this suffix\n", name);
	exit(1);
}

/* Writes the bytes as an array; returns FNV-1a of them, for the ETag. */
static uint64_t
write_bytes(FILE *f, const char *path, const char *array, int number)
{
	uint64_t hash = 0xcbf29ce484222325U;
	size_t n = 0;
	int c;

	printf("static const unsigned char %s%d[] = {", array, number);
	while ((c = getc(f)) != EOF) {
		printf(n++ % 20 == 0 ? "\n\t%d," : "%d,", c);
		hash = (hash ^ (unsigned)c) * 0x100000001b3U;
	}
	printf("\n\t0 };\n");
	if (ferror(f) || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
	return hash;
}

static uint64_t
write_file(const char *path, int number)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	return write_bytes(f, path, "file", number);
}

/* The compressed file beside it; false: there is none. */
static int
write_gzip(const char *path, int number)
{
	char name[4096];
	FILE *f;

	(void)snprintf(name, sizeof(name), "%s.gz", path);
	f = fopen(name, "rb");
	if (f != NULL)
		(void)write_bytes(f, name, "gzip", number);
	return f != NULL;
}

int
main(int argc, char **argv)
{
	int assets = argc > 1 && strcmp(argv[1], "assets") == 0;
	uint64_t *hashes = calloc((size_t)argc + 1, sizeof(*hashes));
	int *gzipped = calloc((size_t)argc + 1, sizeof(*gzipped));

	if (hashes == NULL || gzipped == NULL || argc < 3 || (!assets && strcmp(argv[1], "migrations") != 0)) {
		fprintf(stderr, "usage: embed assets|migrations FILE...\n");
		free(hashes);
		free(gzipped);
		return 2;
	}
	printf("/* Made by web/embed.c: change the files, not this. */\n#include \"mxtrap/%s.h\"\n\n",
	    assets ? "asset" : "migration");
	for (int i = 2; i < argc; i++) {
		hashes[i] = write_file(argv[i], i);
		gzipped[i] = assets && write_gzip(argv[i], i);
	}
	printf(assets ? "const struct asset assets[] = {\n" : "const struct migration migrations[] = {\n");
	for (int i = 2; i < argc; i++) {
		const char *name = base_name(argv[i]);

		if (assets) {
			printf("\t{ \"/%s\", \"%s\", \"\\\"%016" PRIx64 "\\\"\", file%d, sizeof(file%d) - 1, ",
			    name, media_type(name), hashes[i], i, i);
			if (gzipped[i])
				printf("gzip%d, sizeof(gzip%d) - 1 },\n", i, i);
			else
				printf("NULL, 0 },\n");
		} else
			printf("\t{ %d, (const char *)file%d },\n", atoi(name), i);
	}
	printf("};\nconst size_t n_%s = %d;\n", assets ? "assets" : "migrations", argc - 2);
	free(hashes);
	free(gzipped);
	return fflush(stdout) != 0;
}
