/* SPDX-License-Identifier: BSD-3-Clause */
/* 64 numbers compared at once: in as few instructions as the processor has for it. */
#include "rule/match_work.h"

#ifdef __x86_64__
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define HALF __attribute__((target("avx2")))

WIDE static uint64_t narrow_wide(const uint32_t *numbers, uint32_t low, uint32_t span)
{
	const __m512i from = _mm512_set1_epi32((int)low);
	const __m512i most = _mm512_set1_epi32((int)span);
	uint64_t result = 0;
	unsigned i;

#pragma GCC unroll 16
	for (i = 0; i < 4; i++) {
		__m512i some = _mm512_sub_epi32(_mm512_loadu_si512(numbers + 16 * i), from);

		result |= (uint64_t)_mm512_cmple_epu32_mask(some, most) << 16 * i;
	}
	return result;
}

WIDE static uint64_t range_wide(const uint64_t *numbers, uint64_t low, uint64_t span)
{
	const __m512i from = _mm512_set1_epi64((long long)low);
	const __m512i most = _mm512_set1_epi64((long long)span);
	uint64_t result = 0;
	unsigned i;

#pragma GCC unroll 16
	for (i = 0; i < 8; i++) {
		__m512i some = _mm512_sub_epi64(_mm512_loadu_si512(numbers + 8 * i), from);

		result |= (uint64_t)_mm512_cmple_epu64_mask(some, most) << 8 * i;
	}
	return result;
}

WIDE static uint64_t bits_wide(const uint64_t *numbers, uint64_t mask, uint64_t want)
{
	const __m512i all = _mm512_set1_epi64((long long)mask);
	const __m512i these = _mm512_set1_epi64((long long)want);
	uint64_t result = 0;
	unsigned i;

#pragma GCC unroll 16
	for (i = 0; i < 8; i++) {
		__m512i some = _mm512_and_si512(_mm512_loadu_si512(numbers + 8 * i), all);

		result |= (uint64_t)_mm512_cmpeq_epi64_mask(some, these) << 8 * i;
	}
	return result;
}

HALF static uint64_t narrow_half(const uint32_t *numbers, uint32_t low, uint32_t span)
{
	const __m256i from = _mm256_set1_epi32((int)low);
	const __m256i most = _mm256_set1_epi32((int)span);
	uint64_t result = 0;
	unsigned i;

#pragma GCC unroll 16
	for (i = 0; i < 8; i++) {
		__m256i some = _mm256_sub_epi32(
				_mm256_loadu_si256((const __m256i *)(numbers + 8 * i)), from);
		__m256i yes = _mm256_cmpeq_epi32(_mm256_min_epu32(some, most), some);

		result |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(yes)) << 8 * i;
	}
	return result;
}

/* There is no comparison without a sign: both sides are moved by half of the range. */
HALF static uint64_t range_half(const uint64_t *numbers, uint64_t low, uint64_t span)
{
	const __m256i from = _mm256_set1_epi64x((long long)(low + (1ull << 63)));
	const __m256i most = _mm256_set1_epi64x((long long)(span ^ 1ull << 63));
	uint64_t above = 0;
	unsigned i;

#pragma GCC unroll 16
	for (i = 0; i < 16; i++) {
		__m256i some = _mm256_sub_epi64(
				_mm256_loadu_si256((const __m256i *)(numbers + 4 * i)), from);
		__m256i no = _mm256_cmpgt_epi64(some, most);

		above |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(no)) << 4 * i;
	}
	return ~above;
}

HALF static uint64_t bits_half(const uint64_t *numbers, uint64_t mask, uint64_t want)
{
	const __m256i all = _mm256_set1_epi64x((long long)mask);
	const __m256i these = _mm256_set1_epi64x((long long)want);
	uint64_t result = 0;
	unsigned i;

#pragma GCC unroll 16
	for (i = 0; i < 16; i++) {
		__m256i some = _mm256_and_si256(
				_mm256_loadu_si256((const __m256i *)(numbers + 4 * i)), all);
		__m256i yes = _mm256_cmpeq_epi64(some, these);

		result |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(yes)) << 4 * i;
	}
	return result;
}
#endif

static uint64_t narrow_plain(const uint32_t *numbers, uint32_t low, uint32_t span)
{
	uint64_t result = 0;
	unsigned i;

	for (i = 0; i < RULE_BURST_MAX; i++)
		result |= (uint64_t)(numbers[i] - low <= span) << i;
	return result;
}

static uint64_t range_plain(const uint64_t *numbers, uint64_t low, uint64_t span)
{
	uint64_t result = 0;
	unsigned i;

	for (i = 0; i < RULE_BURST_MAX; i++)
		result |= (uint64_t)(numbers[i] - low <= span) << i;
	return result;
}

static uint64_t bits_plain(const uint64_t *numbers, uint64_t mask, uint64_t want)
{
	uint64_t result = 0;
	unsigned i;

	for (i = 0; i < RULE_BURST_MAX; i++)
		result |= (uint64_t)((numbers[i] & mask) == want) << i;
	return result;
}

const struct match_numbers *match_numbers(unsigned bits)
{
	static const struct match_numbers plain = {narrow_plain, range_plain, bits_plain};
#ifdef __x86_64__
	static const struct match_numbers half = {narrow_half, range_half, bits_half};
	static const struct match_numbers wide = {narrow_wide, range_wide, bits_wide};

	if (bits >= 512 && __builtin_cpu_supports("avx512f"))
		return &wide;
	if (bits >= 256 && __builtin_cpu_supports("avx2"))
		return &half;
#endif
	(void)bits;
	return &plain;
}
