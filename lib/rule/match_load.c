/* SPDX-License-Identifier: BSD-3-Clause */
/* Images to matchers, matchers to workers: all memory that matching needs. */
#include "rule/match_work.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "rule/verify.h"

#define CACHE_ENTRIES_DEFAULT 65536u
#define CACHE_ENTRIES_MAX (1u << 24)
#define LIST_BYTES_DEFAULT (8u << 20)

static void set_parts(struct rule_matcher *matcher, const struct rule_image *image)
{
	matcher->image = image;
	matcher->text = rule_image_part(image, RULE_PART_TEXT);
	matcher->tests = rule_image_part(image, RULE_PART_TESTS);
	matcher->values = rule_image_part(image, RULE_PART_VALUES);
	matcher->texts = rule_image_part(image, RULE_PART_TEXTS);
	matcher->nodes = rule_image_part(image, RULE_PART_NODES);
	matcher->inputs = rule_image_part(image, RULE_PART_INPUTS);
	matcher->rules = rule_image_part(image, RULE_PART_RULES);
	matcher->rule_inputs = rule_image_part(image, RULE_PART_RULE_INPUTS);
	matcher->slots = rule_image_part(image, RULE_PART_SLOTS);
	matcher->postings = rule_image_part(image, RULE_PART_POSTINGS);
	matcher->scans = rule_image_part(image, RULE_PART_SCANS);
	matcher->patterns = rule_image_part(image, RULE_PART_PATTERNS);
	matcher->schedules = rule_image_part(image, RULE_PART_SCHEDULES);
	matcher->windows = rule_image_part(image, RULE_PART_WINDOWS);
	matcher->rule_count = (uint32_t)image->parts[RULE_PART_RULES].count;
	matcher->test_count = (uint32_t)image->parts[RULE_PART_TESTS].count;
	matcher->slot_mask = image->parts[RULE_PART_SLOTS].count - 1;
	matcher->scan_count = (uint32_t)image->parts[RULE_PART_SCANS].count;
	while (matcher->eager_count < matcher->scan_count &&
			matcher->scans[matcher->eager_count].eager)
		matcher->eager_count++;
}

static void set_fields(struct rule_matcher *matcher)
{
	const struct rule_image_field *fields = rule_image_part(matcher->image, RULE_PART_FIELDS);
	uint64_t i;

	for (i = 0; i < matcher->image->parts[RULE_PART_FIELDS].count; i++) {
		matcher->ids[i] = (uint8_t)rule_field_by_name(
				matcher->text + fields[i].name.offset, fields[i].name.len);
		matcher->wants[matcher->ids[i]] = matcher->image->repeats >> i & 1;
	}
	match_take(&matcher->takes, matcher->wants);
}

static bool make_briefs(struct rule_matcher *matcher)
{
	uint32_t i;

	matcher->briefs = calloc(matcher->rule_count + 1ull, sizeof(*matcher->briefs));
	for (i = 0; matcher->briefs && i < matcher->rule_count; i++)
		matcher->briefs[i] = (struct match_brief){
				.residual = matcher->rules[i].residual,
				.inputs = matcher->rules[i].input_count & 0x7fffffff,
				.first = matcher->rules[i].first};
	return matcher->briefs != NULL;
}

static size_t memo_count(const struct rule_matcher *matcher)
{
	return matcher->test_count + matcher->image->parts[RULE_PART_NODES].count;
}

/* A node that stands somewhere: the first time seen only, then shared. */
static void count_node(struct rule_matcher *matcher, uint64_t *seen, uint32_t node)
{
	uint32_t index = node & RULE_NODE_GROUP
			? matcher->test_count + (node & ~RULE_NODE_GROUP) : node;
	uint64_t bit = 1ull << index % 64;

	if (node == RULE_IMAGE_NONE)
		return;
	matcher->shared[index / 64] |= seen[index / 64] & bit;
	seen[index / 64] |= bit;
}

static void count_nodes(struct rule_matcher *matcher, uint64_t *seen)
{
	const struct rule_image_span *parts = matcher->image->parts;
	const uint32_t *words = matcher->nodes;
	const uint32_t *end = words + parts[RULE_PART_NODES].count;
	uint64_t i;

	for (; words < end; words += 2 + words[1])
		for (i = 0; (words[0] & 0xff) != RULE_GROUP_INPUT && i < words[1]; i++)
			count_node(matcher, seen, words[2 + i]);
	for (i = 0; i < parts[RULE_PART_INPUTS].count; i++) { /* of any number of rules */
		count_node(matcher, seen, matcher->inputs[i]);
		count_node(matcher, seen, matcher->inputs[i]);
	}
	for (i = 0; i < matcher->rule_count; i++) {
		count_node(matcher, seen, matcher->rules[i].cacheable);
		count_node(matcher, seen, matcher->rules[i].residual);
	}
}

static bool find_shared(struct rule_matcher *matcher)
{
	size_t words = memo_count(matcher) / 64 + 1;
	uint64_t *seen = calloc(words, 8);

	matcher->shared = calloc(words, 8);
	if (seen && matcher->shared)
		count_nodes(matcher, seen);
	free(seen);
	return seen && matcher->shared;
}

static int load_databases(struct rule_matcher *matcher, const char **why)
{
	const char *databases = rule_image_part(matcher->image, RULE_PART_DATABASES);
	size_t size;
	uint32_t i;

	*why = "Hyperscan refuses a database";
	matcher->databases = calloc(matcher->scan_count + 1ull, sizeof(*matcher->databases));
	if (!matcher->databases)
		return -ENOMEM;
	for (i = 0; i < matcher->scan_count; i++) {
		const struct rule_image_scan *scan = &matcher->scans[i];
		hs_error_t error = hs_deserialize_database(databases + scan->offset, scan->len,
				&matcher->databases[i]);

		if (error == HS_SUCCESS)
			error = hs_alloc_scratch(matcher->databases[i], &matcher->scratch);
		if (error != HS_SUCCESS)
			return error == HS_NOMEM ? -ENOMEM : -EBADMSG;
		if (hs_database_size(matcher->databases[i], &size) == HS_SUCCESS)
			matcher->bytes += size;
	}
	return 0;
}

int rule_matcher_new(const void *image, size_t size, struct rule_matcher **out, const char **why)
{
	int error = rule_image_verify(image, size, why);
	struct rule_matcher *matcher;

	*out = NULL;
	if (error)
		return error;
	matcher = vex_alloc_lines(sizeof(*matcher));
	if (!matcher)
		return -ENOMEM;
	set_parts(matcher, image);
	set_fields(matcher);
	error = make_briefs(matcher) && find_shared(matcher) ? load_databases(matcher, why)
							     : -ENOMEM;
	if (error) {
		rule_matcher_free(matcher);
		return error;
	}
	*out = matcher;
	return 0;
}

void rule_matcher_free(struct rule_matcher *matcher)
{
	uint32_t i;

	if (!matcher)
		return;
	for (i = 0; matcher->databases && i < matcher->scan_count; i++)
		hs_free_database(matcher->databases[i]);
	hs_free_scratch(matcher->scratch);
	free(matcher->databases);
	free(matcher->briefs);
	free(matcher->shared);
	free(matcher);
}

const struct rule_image *rule_matcher_image(const struct rule_matcher *matcher)
{
	return matcher->image;
}

size_t rule_matcher_bytes(const struct rule_matcher *matcher)
{
	return matcher->bytes;
}

/* -- workers -- */

static bool get(void *where, size_t count, size_t item)
{
	void *memory = calloc(count + 1, item);

	memcpy(where, &memory, sizeof(memory));
	return memory != NULL;
}

static bool make_tables(struct rule_worker *worker)
{
	const struct rule_image_span *parts = worker->matcher->image->parts;
	size_t memos = memo_count(worker->matcher);
	uint32_t rules = worker->matcher->rule_count;
	bool good = get(&worker->memo, memos, sizeof(*worker->memo)) &&
			get(&worker->touched, memos, sizeof(*worker->touched)) &&
			get(&worker->scanned, worker->matcher->scan_count, 8) &&
			get(&worker->scanned_list, worker->matcher->scan_count, 4) &&
			get(&worker->input, parts[RULE_PART_INPUTS].count, 8) &&
			get(&worker->marks, rules, 8) && get(&worker->found, rules, 16) &&
			get(&worker->hits, rules, 16) && get(&worker->starts, RULE_BURST_MAX, 4) &&
			get(&worker->words, LIST_WORDS_MAX, 4);
	unsigned level;

	worker->columns = vex_alloc_lines((parts[RULE_PART_FIELDS].count + 1) *
			sizeof(*worker->columns));
	good = good && worker->columns;
	for (level = 0; good && level < 3; level++) {
		worker->bit_words[level] = (rules >> 6 * (level + 1)) + 1;
		good = get(&worker->bits[level], worker->bit_words[level], 8);
	}
	return good;
}

static uint32_t power(uint32_t least)
{
	uint32_t size = 1;

	while (size < least)
		size *= 2;
	return size;
}

static bool draw(struct match_secret *secret)
{
	uint8_t *at = (uint8_t *)secret;
	uint8_t *end = at + sizeof(*secret);
	ssize_t got;

	for (; at < end; at += got) {
		got = getrandom(at, (size_t)(end - at), 0);
		if (got <= 0)
			return false;
	}
	return true;
}

static bool make_cache(struct rule_worker *worker, const struct rule_worker_options *options)
{
	uint32_t entries = options ? options->cache_entries : CACHE_ENTRIES_DEFAULT;
	uint32_t bytes = options && options->list_bytes ? options->list_bytes : LIST_BYTES_DEFAULT;
	size_t lines;

	if (!entries)
		return true;
	entries = entries < CACHE_ENTRIES_MAX ? entries : CACHE_ENTRIES_MAX;
	lines = power((entries + CACHE_WAYS - 1) / CACHE_WAYS);
	worker->line_mask = lines - 1;
	worker->names_mask = MATCH_NAMES - 1;
	worker->arena_size = bytes < 4096 ? 4096 : bytes & ~63u;
	worker->lines = vex_alloc_table(lines * sizeof(*worker->lines));
	worker->secret = vex_alloc_lines(sizeof(*worker->secret));
	if (!worker->lines || !worker->secret || !get(&worker->names, MATCH_NAMES, 4) ||
			!get(&worker->counting, MATCH_NAMES, 4) ||
			!get(&worker->arena_memory, worker->arena_size + 64ull, 1) ||
			!draw(worker->secret))
		return false;
	worker->arena = worker->arena_memory + (-(uintptr_t)worker->arena_memory & 63);
	worker->wide = match_wide() && !(options && options->plain);
	match_forget(worker);
	return true;
}

int rule_worker_new(const struct rule_matcher *matcher, const struct rule_worker_options *options,
		struct rule_worker **out)
{
	struct rule_worker *worker = vex_alloc_lines(sizeof(*worker));

	*out = NULL;
	if (!worker)
		return -ENOMEM;
	worker->matcher = matcher;
	worker->run = options ? options->run : NULL;
	worker->numbers = match_numbers(options && options->plain ? 256 : 512);
	worker->data = options ? options->data : NULL;
	worker->tell = options ? options->tell : NULL;
	worker->tell_data = options ? options->tell_data : NULL;
	if (!make_tables(worker) || !make_cache(worker, options) || (matcher->scratch &&
			hs_clone_scratch(matcher->scratch, &worker->scratch) != HS_SUCCESS)) {
		rule_worker_free(worker);
		return -ENOMEM;
	}
	*out = worker;
	return 0;
}

void rule_worker_free(struct rule_worker *worker)
{
	if (!worker)
		return;
	hs_free_scratch(worker->scratch);
	free(worker->memo);
	free(worker->touched);
	free(worker->scanned);
	free(worker->scanned_list);
	free(worker->input);
	free(worker->marks);
	free(worker->bits[0]);
	free(worker->bits[1]);
	free(worker->bits[2]);
	free(worker->found);
	free(worker->hits);
	free(worker->starts);
	free(worker->words);
	free(worker->columns);
	free(worker->lines);
	free(worker->secret);
	free(worker->names);
	free(worker->counting);
	free(worker->arena_memory);
	free(worker);
}
