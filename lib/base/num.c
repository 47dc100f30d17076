/* SPDX-License-Identifier: MIT */
/* Strict number parsing, and counter-based random numbers. */
#include "base/base.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <Random123/philox.h>

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	char *end;
	unsigned long long v;

	if (*s < '0' || *s > '9')
		return err_set(e, "expected a whole number, got '%s'", s);
	errno = 0;
	v = strtoull(s, &end, 10);
	if (*end)
		return err_set(e, "expected a whole number, got '%s'", s);
	if (errno || v < min || v > max)
		return err_set(e, "%s is not within %llu..%llu", s,
		               (unsigned long long)min, (unsigned long long)max);
	*out = v;
	return 0;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	const char *digits = *s == '-' ? s + 1 : s;
	char *end;
	long long v;

	if (*digits < '0' || *digits > '9')
		return err_set(e, "expected a whole number, got '%s'", s);
	errno = 0;
	v = strtoll(s, &end, 10);
	if (*end)
		return err_set(e, "expected a whole number, got '%s'", s);
	if (errno || v < min || v > max)
		return err_set(e, "%s is not within %lld..%lld", s, (long long)min, (long long)max);
	*out = v;
	return 0;
}

int parse_f64(const char *s, double *out, struct err *e)
{
	char *end;
	double v;

	if (!*s || strspn(s, "0123456789+-.eE") != strlen(s))
		return err_set(e, "expected a number, got '%s'", s);
	v = strtod(s, &end);
	if (end == s || *end)
		return err_set(e, "expected a number, got '%s'", s);
	if (!isfinite(v))
		return err_set(e, "%s is too large", s);
	*out = v;
	return 0;
}

int parse_bytes(const char *s, uint64_t *out, struct err *e)
{
	static const char units[] = "KMG";
	size_t n = strlen(s);
	const char *unit = n ? strchr(units, s[n - 1]) : NULL;
	int shift = unit && *unit ? 10 * (int)(unit - units + 1) : 0;
	char digits[32];
	uint64_t v;

	if (shift)
		n--;
	if (!n || n >= sizeof digits)
		return err_set(e, "expected bytes such as 800M, got '%s'", s);
	memcpy(digits, s, n);
	digits[n] = 0;
	if (parse_u64(digits, 0, UINT64_MAX >> shift, &v, e))
		return err_set(e, "expected bytes such as 800M, got '%s'", s);
	*out = v << shift;
	return 0;
}

uint64_t hash_bytes(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ s[i]) * 0x100000001b3u;
	return h;
}

static philox4x32_ctr_t philox(const uint32_t ctr[4], const uint32_t key[2])
{
	philox4x32_ctr_t c = {{ctr[0], ctr[1], ctr[2], ctr[3]}};
	philox4x32_key_t k = {{key[0], key[1]}};

	return philox4x32(c, k);
}

struct rng rng_stream(uint64_t seed, const char *domain, uint64_t step,
                      const char *id, uint64_t sample, uint64_t turn)
{
	uint64_t d = hash_bytes(domain, strlen(domain)), i = hash_bytes(id, strlen(id));
	uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	/* Two applications of the generator absorb the name: 64 bits each. */
	uint32_t name[4] = {(uint32_t)d, (uint32_t)(d >> 32), (uint32_t)step, (uint32_t)(step >> 32)};
	philox4x32_ctr_t a = philox(name, key);
	uint32_t which[4] = {(uint32_t)i ^ a.v[2], (uint32_t)(i >> 32) ^ a.v[3],
	                     (uint32_t)sample, (uint32_t)turn};
	philox4x32_ctr_t b = philox(which, a.v);

	return (struct rng){{b.v[0], b.v[1]}, {b.v[2], b.v[3]}};
}

void rng_bits(const struct rng *r, uint64_t position, uint32_t out[4])
{
	uint32_t ctr[4] = {r->ctr[0], r->ctr[1], (uint32_t)position, (uint32_t)(position >> 32)};
	philox4x32_ctr_t c = philox(ctr, r->key);

	memcpy(out, c.v, sizeof c.v);
}

double rng_uniform(const struct rng *r, uint64_t position)
{
	uint32_t b[4];

	rng_bits(r, position, b);
	return (double)(((uint64_t)b[0] << 32 | b[1]) >> 11) * 0x1p-53;
}

double rng_normal(const struct rng *r, uint64_t position)
{
	uint32_t b[4];
	double u, v;

	rng_bits(r, position, b);
	u = (b[0] + 0.5) * 0x1p-32;
	v = (b[1] + 0.5) * 0x1p-32;
	return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

uint64_t rng_below(const struct rng *r, uint64_t position, uint64_t n)
{
	uint32_t b[4];

	rng_bits(r, position, b);
	return (uint64_t)((((uint64_t)b[0] << 32 | b[1]) * (__uint128_t)n) >> 64);
}
