// SPDX-License-Identifier: Apache-2.0
/*
 * Dates of exceptions: a day, or a time by RFC 3339 section 5.6. Must not ask the clock.
 */
#include "policies/parse.h"

#include <string.h>

/* Earlier years are slips of the pen; later ones have five digits. */
#define YEAR_MIN 2000

#define SYNTAX "write a day like 2027-01-31 or a time like 2027-01-31T18:00:00Z"

/* Reads @n digits at *@s and moves *@s behind them. Return: the number, or -1. */
static int take_digits(const char **s, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (**s < '0' || **s > '9')
			return -1;
		value = value * 10 + (*(*s)++ - '0');
	}
	return value;
}

static bool take_char(const char **s, const char *any_of)
{
	if (!**s || !strchr(any_of, **s))
		return false;
	(*s)++;
	return true;
}

static int count_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static const char *take_date(const char **s, struct tm *tm)
{
	int year, month, day;

	year = take_digits(s, 4);
	if (year < 0 || !take_char(s, "-"))
		return SYNTAX;
	month = take_digits(s, 2);
	if (month < 0 || !take_char(s, "-"))
		return SYNTAX;
	day = take_digits(s, 2);
	if (day < 0)
		return SYNTAX;
	if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 || day > count_days(year, month))
		return "there is no such day; correct it";
	*tm = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
	return NULL;
}

static const char *take_time(const char **s, struct tm *tm)
{
	tm->tm_hour = take_digits(s, 2);
	if (tm->tm_hour < 0 || !take_char(s, ":"))
		return SYNTAX;
	tm->tm_min = take_digits(s, 2);
	if (tm->tm_min < 0 || !take_char(s, ":"))
		return SYNTAX;
	tm->tm_sec = take_digits(s, 2);
	if (tm->tm_sec < 0)
		return SYNTAX;
	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return "there is no such time of day; correct it";
	if (take_char(s, ".")) {
		if (take_digits(s, 1) < 0)
			return SYNTAX;
		while (take_digits(s, 1) >= 0)
			;
	}
	return NULL;
}

/* The offset from UTC in seconds. */
static const char *take_zone(const char **s, int *ret)
{
	int sign = **s == '-' ? -1 : 1, hours, minutes;

	*ret = 0;
	if (take_char(s, "Zz"))
		return NULL;
	if (!take_char(s, "+-"))
		return "the time has no zone; end it with Z for UTC or with an offset like +01:00";
	hours = take_digits(s, 2);
	if (hours < 0 || !take_char(s, ":"))
		return SYNTAX;
	minutes = take_digits(s, 2);
	if (minutes < 0)
		return SYNTAX;
	if (hours > 23 || minutes > 59)
		return "there is no such offset from UTC; correct it";
	*ret = sign * (hours * 60 + minutes) * 60;
	return NULL;
}

const char *policy_parse_expiry(const char *text, time_t *ret)
{
	const char *wrong;
	struct tm tm;
	int zone = 0;

	wrong = take_date(&text, &tm);
	if (wrong)
		return wrong;
	if (!*text) {
		tm.tm_mday++;
		*ret = timegm(&tm);
		return NULL;
	}
	wrong = take_char(&text, "Tt ") ? take_time(&text, &tm) : SYNTAX;
	if (!wrong)
		wrong = take_zone(&text, &zone);
	if (wrong)
		return wrong;
	if (*text)
		return SYNTAX;
	*ret = timegm(&tm) - zone;
	return NULL;
}
