/* SPDX-License-Identifier: MIT */
/*
 * Units of measure: exact definitions in base units, and products, quotients and powers of them. A
 * base unit is a letter: m g s A K, mol as n, rad as r; c a calendar month (a year is twelve;
 * neither is a number of days); $ E P I Y currencies; % d (degrees, compared as numbers elsewhere)
 * and u (an unspecified unit).
 */
#include <string.h>

#include "formula/inside.h"

static const struct {
	const char *name, *base;       /* letters, each with an optional power: gms-2 */
	int64_t num, den;
} measures[] = {
	{"m", "m", 1, 1}, {"mm", "m", 1, 1000}, {"cm", "m", 1, 100}, {"dm", "m", 1, 10},
	{"km", "m", 1000, 1}, {"um", "m", 1, 1000000}, {"nm", "m", 1, 1000000000},
	{"in", "m", 254, 10000}, {"ft", "m", 3048, 10000}, {"yd", "m", 9144, 10000},
	{"mi", "m", 1609344, 1000}, {"s", "s", 1, 1}, {"ms", "s", 1, 1000}, {"min", "s", 60, 1},
	{"h", "s", 3600, 1}, {"day", "s", 86400, 1}, {"week", "s", 604800, 1}, {"month", "c", 1, 1},
	{"year", "c", 12, 1}, {"decade", "c", 120, 1}, {"century", "c", 1200, 1}, {"g", "g", 1, 1},
	{"mg", "g", 1, 1000}, {"kg", "g", 1000, 1}, {"tonne", "g", 1000000, 1},
	{"lb", "g", 45359237, 100000}, {"oz", "g", 45359237, 1600000}, {"L", "m3", 1, 1000},
	{"cL", "m3", 1, 100000}, {"mL", "m3", 1, 1000000}, {"cc", "m3", 1, 1000000},
	{"gal", "m3", 473176473, 125000000000}, {"qt", "m3", 473176473, 500000000000},
	{"pt", "m3", 473176473, 1000000000000}, {"cup", "m3", 473176473, 2000000000000},
	{"tbsp", "m3", 473176473, 32000000000000}, {"tsp", "m3", 473176473, 96000000000000},
	{"acre", "m2", 316160658, 78125}, {"ha", "m2", 10000, 1}, {"N", "gms-2", 1000, 1},
	{"J", "gm2s-2", 1000, 1}, {"kJ", "gm2s-2", 1000000, 1}, {"W", "gm2s-3", 1000, 1},
	{"kW", "gm2s-3", 1000000, 1}, {"Pa", "gm-1s-2", 1000, 1}, {"kPa", "gm-1s-2", 1000000, 1},
	{"Hz", "s-1", 1, 1}, {"A", "A", 1, 1}, {"V", "gm2s-3A-1", 1000, 1},
	{"ohm", "gm2s-3A-2", 1000, 1}, {"mol", "n", 1, 1}, {"K", "K", 1, 1}, {"rad", "r", 1, 1},
	{"$", "$", 1, 1}, {"cent", "$", 1, 100}, {"EUR", "E", 1, 1}, {"GBP", "P", 1, 1},
	{"INR", "I", 1, 1}, {"JPY", "Y", 1, 1}, {"deg", "d", 1, 1}, {"%", "%", 1, 1},
	{"unit", "u", 1, 1},
};

static int find(const char *name, size_t n)
{
	for (size_t i = 0; i < LEN(measures); i++)
		if (strlen(measures[i].name) == n && !memcmp(measures[i].name, name, n))
			return (int)i;
	return -1;
}

/* Multiplies a power of one unit into the dimensions and the factor. */
static int multiply(struct xs *s, const char *name, size_t n, int power, struct measure *out)
{
	int at = find(name, n);

	if (at < 0)
		return 0;
	for (const char *b = measures[at].base; *b; ) {
		int letter = *b++, sign = 1, times = 1;

		if (*b == '-') {
			sign = -1;
			b++;
		}
		if (*b >= '1' && *b <= '9')
			times = *b++ - '0';
		out->dim[letter] = (int16_t)(out->dim[letter] + sign * times * power);
	}
	/* convert degrees to radians */
	if (out->dim['d']) {
		out->dim['r'] = (int16_t)(out->dim['r'] + power);
		out->dim['d'] = 0;
		out->factor =
			x_mul2(s, out->factor, x_powi(s, x_mul2(s, x_frac(s, 1, 180), x_leaf(s, X_PI)), power));
	}
	out->factor =
		x_mul2(s, out->factor, x_powi(s, x_frac(s, measures[at].num, measures[at].den), power));
	return out->factor >= 0;
}

/* kg m/s^2: factors joined by a space or a star, or divided by. */
int x_measure(struct xs *s, const char *unit, struct measure *out)
{
	int over = 0;

	memset(out, 0, sizeof *out);
	out->factor = x_int(s, 1);
	while (*unit) {
		size_t n = strcspn(unit, " */^");
		const char *end = unit + n;
		int power = 1;

		if (*end == '^') {
			int minus = end[1] == '-';

			end += 1 + minus;
			if (*end < '1' || *end > '9')
				return 0;
			power = minus ? -(*end - '0') : *end - '0';
			end++;
		}
		if (!n && !(over = *end == '/'))
			return 0;
		if (n && !multiply(s, unit, n, over ? -power : power, out))
			return 0;
		if (n)
			over = *end == '/';
		unit = end + (*end != 0);
	}
	return out->factor >= 0;
}
