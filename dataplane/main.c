/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vex-dataplane: EAL's arguments, then "--", then its own. The main core serves the socket and
 * looks after ports; each further lcore is a worker.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_debug.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "base/clock.h"
#include "base/membarrier.h"
#include "dataplane/config.h"
#include "dataplane/eal.h"
#include "dataplane/kernel.h"
#include "dataplane/options.h"
#include "dataplane/placement.h"
#include "dataplane/plan.h"
#include "dataplane/port.h"
#include "dataplane/rules.h"
#include "dataplane/server.h"
#include "dataplane/startup.h"
#include "dataplane/subscriber.h"
#include "dataplane/worker.h"

#define TICK_DRAINING_MS 1
#define TICK_BUSY_MS 2
#define TICK_ASLEEP_MS 500
#define HEARTBEAT_NS 1000000000ull

static volatile sig_atomic_t stop_requested;
static volatile sig_atomic_t reload_requested;
static pthread_t main_thread;

/* Threads of EAL's take signals as well, but only the main core waits to be told. */
static void on_signal(int number)
{
	if (!pthread_equal(pthread_self(), main_thread))
		pthread_kill(main_thread, number);
	else if (number == SIGHUP)
		reload_requested = 1;
	else
		stop_requested = 1;
}

/* The main core takes signals only while it waits for requests. */
static void set_signals(sigset_t *handled)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(handled);
	sigaddset(handled, SIGTERM);
	sigaddset(handled, SIGINT);
	sigaddset(handled, SIGHUP);
	main_thread = pthread_self();
	sigprocmask(SIG_BLOCK, handled, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int find_separator(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return i;
	return argc;
}

static void describe(const struct plane *plane, const struct options *options)
{
	char cpus[64];

	vex_info("version %s, pid %d, control on %s, %s", VEX_VERSION, getpid(),
			placement_text(rte_get_main_lcore(), cpus, sizeof(cpus)),
			rte_eal_has_hugepages() ? "hugepages" : "no hugepages");
	for (uint32_t i = 0; i < plane->worker_count; i++)
		vex_info("worker %u: lcore %u on %s, socket %u, %s", i,
				plane->workers[i].lcore,
				placement_text(plane->workers[i].lcore, cpus, sizeof(cpus)),
				plane->workers[i].stat->socket,
				options->idle == IDLE_POLL ? "poll" : "adaptive");
	vex_info("ready at %s", options->socket);
}

/* A worker is not to be interrupted. */
static int work(void *worker)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	return worker_run(worker);
}

static void start_workers(struct plane *plane)
{
	for (uint32_t i = 0; i < plane->worker_count; i++)
		rte_eal_remote_launch(work, &plane->workers[i], plane->workers[i].lcore);
}

static void stop_workers(struct plane *plane)
{
	for (uint32_t i = 0; i < plane->worker_count; i++) {
		VEX_STORE_RELAXED(&plane->workers[i].stop, true);
		plan_wake(&plane->workers[i]);
		rte_eal_wait_lcore(plane->workers[i].lcore);
	}
	plane->driven = true; /* from here on plans are taken by the main core itself */
}

static int tick_ms(const struct plane *plane, bool drains)
{
	if (drains)
		return TICK_DRAINING_MS;
	if (startup_holds(plane))
		return TICK_BUSY_MS;
	for (uint32_t i = 0; i < plane->worker_count; i++)
		if (!VEX_LOAD_RELAXED(&plane->workers[i].stat->sleeping))
			return TICK_BUSY_MS;
	return TICK_ASLEEP_MS;
}

static void note_waiting(struct lane *lane)
{
	uint64_t written = VEX_LOAD_RELAXED(&lane->ring.page->position);
	uint64_t taken = VEX_LOAD_RELAXED(&lane->page.page->position);

	/* The first is the producer's word: never more than fits is shown. */
	lane->stat->waiting = written - taken <= lane->ring.ring_size ? written - taken : 0;
}

static void beat(struct plane *plane)
{
	static uint64_t last_ns;
	uint64_t now = vex_clock_steady();

	if (now - last_ns < HEARTBEAT_NS)
		return;
	last_ns = now;
	VEX_STORE_RELAXED(&plane->stat->heartbeat_ns, vex_clock_now());
	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++)
		for (uint32_t k = 0; plane->ports[i] && k < VEX_PORT_LANES_MAX; k++)
			if (plane->ports[i]->lanes[k])
				note_waiting(plane->ports[i]->lanes[k]);
	rules_count_limits(plane);
}

/* Before the first event: a set that was asked for and can't be had is no way to begin. */
static int load_rules(struct plane *plane, const char *path)
{
	struct vex_message message = {.rules.generation = 1};
	char reason[VEX_REASON_MAX];
	const char *name = strrchr(path, '/');
	int fd, error;

	if (!*path)
		return 0;
	fd = rules_read_file(path, &message.rules.size);
	if (fd < 0) {
		vex_error("%s: %s", path, strerror(-fd));
		return fd;
	}
	snprintf(message.rules.name, sizeof(message.rules.name), "%.*s", (int)VEX_NAME_MAX - 1,
			name ? name + 1 : path);
	error = rules_load(plane, fd, &message, reason);
	close(fd);
	if (error)
		vex_error("%s: %s", path, reason);
	else
		vex_info("%u rules of %s are in force", plane->rules->set->rule_count, path);
	return error;
}

static void reload(struct plane *plane, struct server *server, const struct options *options)
{
	struct options fresh;
	char why[512];

	if (!options->config) {
		vex_info("SIGHUP: no configuration file was given, nothing to reload");
		return;
	}
	if (options_reload(options, &fresh, why, sizeof(why))) {
		vex_error("SIGHUP: %s; the old configuration stays in force", why);
		return;
	}
	server_set_access(server, &fresh.access);
	kernel_select(plane->kernel, &fresh.kernel_select);
	vex_info("SIGHUP: who may attach and kernel_select were read anew; other keys take effect at a restart");
}

static void serve(struct plane *plane, struct server *server, struct kernel *kernel,
		const struct options *options, struct startup *startup, const sigset_t *handled)
{
	while (!stop_requested) {
		bool drains = port_reap(plane) | subscriber_reap(plane);

		beat(plane);
		startup_tend(plane, startup);
		subscriber_kick_waiting(plane);
		kernel_tend(kernel, server);
		sigprocmask(SIG_UNBLOCK, handled, NULL);
		server_poll(server, tick_ms(plane, drains));
		sigprocmask(SIG_BLOCK, handled, NULL);
		if (reload_requested) {
			reload_requested = 0;
			reload(plane, server, options);
		}
	}
}

/* What is missing is said by one line of ours, to which DPDK's libraries add nothing. */
static struct plane *create_plane(const struct options *options)
{
	uint32_t level = rte_log_get_global_level();
	struct plane *plane;

	if (level == RTE_LOG_ERR)
		rte_log_set_global_level(RTE_LOG_CRIT);
	plane = plane_create(&options->sizes, false, options->node);
	rte_log_set_global_level(level);
	return plane;
}

/*
 * Workers finish the burst they are at. What is left in lanes stays there, in its producer's
 * memory, for the next data plane; what was delivered stays in the subscribers'.
 */
static int run(const struct options *options, const sigset_t *handled)
{
	struct plane *plane = create_plane(options);
	struct startup startup = {.settle_ms = options->settle_ms,
			.rules_wait_ms = options->rules_wait_ms};
	struct server *server;
	struct kernel *kernel = NULL;
	int status = VEX_EXIT_OK;

	if (!plane)
		return VEX_EXIT_CONFIG;
	plane->ring_max = options->ring_max;
	plane->lane_memory = options->lane_memory;
	if (options->backlog != OPTIONS_BACKLOG_UNSAID) {
		plane->backlog = options->backlog;
		plane->holds = options->backlog != 0;
	}
	startup_begin(plane, &startup);
	plane_set_idle(plane, options->idle, options->spin_us);
	vex_membarrier_register();
	plane->driven = true; /* workers don't run yet: plans are taken by the main core itself */
	if (load_rules(plane, options->rules_image)) {
		plane_destroy(plane);
		return VEX_EXIT_CONFIG;
	}
	plane->driven = false;
	if (server_open(plane, options->socket, &options->access, &server)) {
		plane_destroy(plane);
		return VEX_EXIT_CONFIG;
	}
	start_workers(plane);
	if (*options->kernel_tap && kernel_open(plane, server, options, &kernel))
		status = VEX_EXIT_CONFIG;
	if (status == VEX_EXIT_OK) {
		describe(plane, options);
		serve(plane, server, kernel, options, &startup, handled);
		vex_info("stopping");
	}
	kernel_stop(kernel);
	stop_workers(plane);
	server_close(server);
	port_free_all(plane);
	kernel_close(kernel);
	plane_destroy(plane);
	return status;
}

int main(int argc, char **argv)
{
	int separator = find_separator(argc, argv);
	struct options options;
	sigset_t handled;
	int status;

	vex_log_setup("vex-dataplane", VEX_LOG_INFO, false);
	if (eal_asks_for(separator, argv, "--help") || eal_asks_for(separator, argv, "-h")) {
		options_usage();
		return VEX_EXIT_OK;
	}
	if (eal_asks_for(separator, argv, "--version")) {
		options_version();
		return VEX_EXIT_OK;
	}
	options_defaults(&options);
	if (separator < argc)
		argv[separator] = argv[0];
	status = options_parse(&options, separator < argc ? argc - separator : 1,
			separator < argc ? argv + separator : argv);
	if (status >= 0)
		return status;
	vex_log_setup("vex-dataplane", options.log_level, options.log_json);
	if (options.check_config)
		return VEX_EXIT_OK;
	status = eal_start(separator, argv);
	if (status >= 0)
		return status;
	set_signals(&handled);
	if (rte_lcore_count() < 2) {
		vex_error("one lcore was given: the first is for control, each further one is a "
			  "worker; try -l 0-1, or --lcores '0@0,1@0' on one cpu");
		status = VEX_EXIT_CONFIG;
	} else {
		status = run(&options, &handled);
	}
	rte_eal_cleanup();
	return status;
}
