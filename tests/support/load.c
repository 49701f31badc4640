/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/load.h"

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct load_orders load_orders;

static void *listen_to_input(void *arg)
{
	char line[32];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "report\n"))
			__atomic_fetch_add(&load_orders.reports, 1, __ATOMIC_RELAXED);
		else if (!strcmp(line, "stop\n"))
			VEX_STORE_RELAXED(&load_orders.stop, true);
		else
			fprintf(stderr, "vex-load: no such order: %s", line);
	}
	VEX_STORE_RELAXED(&load_orders.stop, true);
	VEX_STORE_RELAXED(&load_orders.end, true);
	return arg;
}

void load_listen(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, listen_to_input, NULL);
	pthread_detach(thread);
}

void load_print(json_t *report)
{
	json_dumpf(report, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(report);
}

int load_fail(const char *what)
{
	fprintf(stderr, "vex-load: %s: %s\n", what, vex_last_error());
	return 1;
}

static void add_types(struct vex_filter *filter, char *names)
{
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ","))
		vex_filter_add_type(filter, vex_type_by_name(name));
}

static void set(struct load_options *options, int option, char *value)
{
	uint64_t number = strtoull(value ? value : "0", NULL, 0);

	switch (option) {
	case 'n': options->name = value; break;
	case 'i': options->id = (uint32_t)number; break;
	case 't': options->threads = (uint32_t)number; break;
	case 'c': options->count = number; break;
	case 'r': options->rate = (uint32_t)number; break;
	case 'b': options->burst = (uint32_t)number; break;
	case 'f': options->filler = (uint32_t)number; break;
	case 'R': options->ring = number; break;
	case 'w': options->wait_us = (uint32_t)number; break;
	case 's': options->slow_us = (uint32_t)number; break;
	case 'B': options->batch = (uint32_t)number; break;
	case 'g': options->background = true; break;
	case 'T': add_types(&options->filter, value); break;
	default: exit(2);
	}
}

static bool valid(const struct load_options *options)
{
	return options->threads && options->threads <= LOAD_THREADS_MAX && options->burst &&
			options->batch && options->batch <= 64 &&
			options->filler <= LOAD_FILLER_MAX;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"name", 1, 0, 'n'}, {"id", 1, 0, 'i'},
			{"threads", 1, 0, 't'}, {"count", 1, 0, 'c'}, {"rate", 1, 0, 'r'},
			{"burst", 1, 0, 'b'}, {"filler", 1, 0, 'f'}, {"ring", 1, 0, 'R'},
			{"wait-us", 1, 0, 'w'}, {"slow-us", 1, 0, 's'}, {"batch", 1, 0, 'B'},
			{"background", 0, 0, 'g'}, {"types", 1, 0, 'T'}, {0}};
	struct load_options options = {.threads = 1, .burst = 1, .batch = 64};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		set(&options, option, optarg);
	if (argc - optind != 2 || !valid(&options)) {
		fprintf(stderr, "usage: vex-load [options] produce|subscribe SOCKET\n");
		return 2;
	}
	options.socket = argv[optind + 1];
	load_listen();
	return strcmp(argv[optind], "produce") ? load_subscribe(&options)
					       : load_produce(&options);
}
