/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay_main.c - a fuzz harness without a fuzzer: every file of the corpus, once.
 *
 * `make check` runs it plain and with SAN=1; `make fuzz` links libFuzzer instead.
 * Input is copied to the end of a block of exactly its size, so that a sanitizer
 * sees the first byte read past it.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional in a harness. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;
	size_t size;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		return 1;
	}
	size = (size_t)st.st_size;
	bytes = malloc(size != 0 ? size : 1);
	if (bytes == NULL || fread(bytes, 1, size, f) != size) {
		perror(path);
		return 1;
	}
	fclose(f);
	(void)LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;

	if (LLVMFuzzerInitialize != NULL)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		const struct dirent *entry;

		if (dir == NULL) {
			perror(argv[i]);
			failed++;
			continue;
		}
		while ((entry = readdir(dir)) != NULL) {
			char path[PATH_MAX];

			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			/* A crash names nobody: say whose turn it is before it. */
			fprintf(stderr, "%s\n", path);
			if (replay_file(path) == 0)
				passed++;
			else
				failed++;
		}
		closedir(dir);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0 || passed == 0;
}
