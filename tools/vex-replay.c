/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a capture and plays it back as a producer, record for record, ids and all. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/capture.h"
#include "replay_options.h"
#include "vex/vex.h"

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull
#define WAIT_US 10000000u	  /* for room in the lane: the plane is busy, not gone */
#define GONE_NS (30 * NS_PER_S)	  /* for a plane that went away to come back */
#define SHOW_NS (100 * NS_PER_MS) /* between two looks of the progress bar */
#define BAR_WIDTH 40

struct replay {
	const struct replay_options *options;
	struct vex_port *port;
	struct vex_lane *lane;
	struct vex_capture_reader *reader;
	uint64_t records;
	uint64_t bytes;
	uint64_t lost;
	uint64_t rounds; /* finished */
	uint64_t gaps;	 /* of the capture's own, and what they stand for */
	uint64_t gap_events;
	uint64_t begun_ns;
	uint64_t round_ns;   /* when the first packet of the round was played */
	uint64_t first_ns;   /* its time stamp */
	uint64_t next_show;  /* UINT64_MAX: no progress bar */
	double seconds;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Ends early where a signal comes. */
static void sleep_until(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void show_progress(struct replay *r, uint64_t now)
{
	uint64_t done, total;
	int filled;

	if (now < r->next_show)
		return;
	r->next_show = now + SHOW_NS;
	vex_capture_progress(r->reader, &done, &total);
	if (!total) {
		fprintf(stderr, "\r%" PRIu64 " records", r->records);
		return;
	}
	filled = (int)(done * BAR_WIDTH / total);
	fprintf(stderr, "\r[%.*s%*s] %3" PRIu64 "%%  %" PRIu64 " records", filled,
			"########################################", BAR_WIDTH - filled, "",
			done * 100 / total, r->records);
}

static void end_progress(const struct replay *r)
{
	if (r->next_show != UINT64_MAX)
		fputs("\r\033[K", stderr);
}

/* Keeps the intervals between packets; time stamps that go back cost no time. */
static void wait_for_turn(struct replay *r, uint64_t time_ns)
{
	uint64_t now = now_ns(), until;
	double gap_ns;

	if (!r->round_ns) {
		r->round_ns = now;
		r->first_ns = time_ns;
	}
	gap_ns = time_ns > r->first_ns ? (double)(time_ns - r->first_ns) / r->options->speed : 0;
	until = r->round_ns + (uint64_t)fmin(gap_ns, (double)INT64_MAX / 2);
	while (now < until && !stopped) {
		sleep_until(until < r->next_show ? until : r->next_show);
		now = now_ns();
		show_progress(r, now);
	}
}

static bool is_connected(struct replay *r)
{
	struct vex_port_stats stats;

	vex_port_get_stats(r->port, &stats);
	return stats.connected;
}

static int wait_for_plane(struct replay *r)
{
	uint64_t until = now_ns() + GONE_NS;

	while (!is_connected(r)) {
		if (stopped || now_ns() > until) {
			vex_error("the data plane went away after %" PRIu64 " records", r->records);
			return -1;
		}
		sleep_until(now_ns() + 10 * NS_PER_MS);
	}
	return 0;
}

/* Everything but size and lane_seq, which are the lane's. */
static void copy_record(struct vex_record *to, const struct vex_record *from)
{
	size_t head = offsetof(struct vex_record, id);

	memcpy((uint8_t *)to + head, (const uint8_t *)from + head, from->size - head);
}

static int publish(struct replay *r, const struct vex_record *record)
{
	struct vex_record *room;
	int error;

	room = vex_reserve(r->lane, record->size, &error);
	if (room) {
		copy_record(room, record);
		vex_commit(r->lane, room, record->size);
		r->records++;
		r->bytes += record->size;
		return 0;
	}
	if (error == -ENOBUFS) {
		r->lost++;
		return wait_for_plane(r);
	}
	vex_error("%s: packet %" PRIu64 ": its %u bytes do not fit a lane of %" PRIu64
		  ": give a larger --lane-size",
			r->options->file, vex_capture_packets(r->reader), record->size,
			r->options->lane_size);
	return -1;
}

/*
 * A GAP without a boundary tells of the lane that the capture was made from, so it can't be one
 * of ours. Those that producers had caused were passed on as events, and still are.
 */
static bool is_own_gap(const struct vex_record *record)
{
	return record->type == VEX_GAP && record->boundary == VEX_BOUNDARY_NONE;
}

static void count_gap(struct replay *r, const struct vex_record *record)
{
	struct vex_attr_gap gap;

	if (r->rounds)
		return;
	memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(gap));
	r->gaps++;
	r->gap_events += gap.count;
}

static int play_next(struct replay *r)
{
	const struct vex_record *record;
	uint64_t time_ns;
	int got = vex_capture_next(r->reader, &record, &time_ns);

	if (got < 0)
		vex_error("%s", vex_capture_error(r->reader));
	if (got <= 0)
		return got;
	if (is_own_gap(record)) {
		count_gap(r, record);
		return 1;
	}
	if (r->options->speed > 0)
		wait_for_turn(r, time_ns);
	else if (r->next_show != UINT64_MAX)
		show_progress(r, now_ns());
	if (stopped)
		return 0;
	return publish(r, record) ? -1 : 1;
}

static int play_round(struct replay *r)
{
	int got = 1;

	r->round_ns = 0;
	while (got == 1 && !stopped)
		got = play_next(r);
	if (got == 0 && !stopped)
		r->rounds++;
	return got < 0 ? -1 : 0;
}

static int open_reader(struct replay *r)
{
	vex_capture_close_reader(r->reader);
	if (vex_capture_open(r->options->file, &r->reader) == 0)
		return 0;
	vex_error("%s", vex_capture_error(r->reader));
	return -1;
}

/* Rounds after one that held no event would be busy for ever with nothing. */
static int play_all(struct replay *r)
{
	int error = play_round(r);

	while (!error && !stopped && r->rounds != r->options->loops && r->records + r->lost) {
		error = open_reader(r);
		if (!error)
			error = play_round(r);
	}
	return error;
}

/* What stands in the lane is not delivered yet. In a hurry, a plane that is gone is not awaited. */
static int drain(struct replay *r, bool hurry)
{
	uint64_t until = now_ns() + GONE_NS;

	while (!vex_port_drained(r->port)) {
		if (now_ns() > until || ((hurry || stopped) && !is_connected(r))) {
			vex_error("the data plane has not taken all records");
			return -1;
		}
		sleep_until(now_ns() + NS_PER_MS);
	}
	return 0;
}

static int open_port(struct replay *r)
{
	const struct replay_options *o = r->options;
	struct vex_port_options options = {
			.socket = o->socket,
			.name = o->name,
			.boundary = VEX_BOUNDARY_REPLAY,
			.flags = VEX_PORT_KEEP_ID,
			.ring_size = o->lane_size,
			.full = VEX_FULL_WAIT,
			.wait_us = WAIT_US,
	};
	int error = vex_port_open(&options, &r->port);

	if (!error)
		error = vex_lane_open(r->port, &r->lane);
	if (error)
		vex_error("%s", vex_last_error());
	return error;
}

static void print_json(const struct replay *r, double rate)
{
	printf("{\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"rounds\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"gap_events\":%" PRIu64
	       ",\"seconds\":%.6f,\"records_per_s\":%.0f}\n",
			r->records, r->bytes, r->lost, r->rounds, r->gaps, r->gap_events,
			r->seconds, rate);
}

static void print_summary(const struct replay *r)
{
	double rate = r->seconds > 0 ? (double)r->records / r->seconds : 0;

	if (r->options->json) {
		print_json(r, rate);
		return;
	}
	if (r->options->quiet)
		return;
	printf("%" PRIu64 " records, %" PRIu64 " bytes, %" PRIu64
	       " lost, in %.3f s: %.0f records a second\n",
			r->records, r->bytes, r->lost, r->seconds, rate);
	if (r->gaps)
		printf("%" PRIu64 " GAPs stood in the capture: %" PRIu64
		       " events were lost when it was made\n",
				r->gaps, r->gap_events);
}

static int replay(const struct replay_options *options)
{
	struct replay r = {.options = options, .next_show = UINT64_MAX};
	int error;

	if (isatty(STDERR_FILENO) && !options->quiet)
		r.next_show = 0;
	error = open_reader(&r);
	if (!error)
		error = open_port(&r);
	if (!error) {
		r.begun_ns = now_ns();
		error = play_all(&r);
		end_progress(&r);
		if (drain(&r, error != 0))
			error = -1;
		r.seconds = (double)(now_ns() - r.begun_ns) / (double)NS_PER_S;
		print_summary(&r);
	}
	vex_port_close(r.port);
	vex_capture_close_reader(r.reader);
	if (fflush(stdout)) {
		vex_error("standard output: %s", strerror(errno));
		error = -1;
	}
	return error || stopped || r.lost ? VEX_EXIT_FAILED : VEX_EXIT_OK;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	struct replay_options options;
	int code;

	vex_log_setup("vex-replay", VEX_LOG_INFO, false);
	code = replay_parse_options(argc, argv, &options);
	if (code >= 0)
		return code;
	sigaction(SIGINT, &action, NULL); /* a second one ends the program at once */
	sigaction(SIGTERM, &action, NULL);
	return replay(&options);
}
