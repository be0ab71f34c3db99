// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting the output together: a thin layer over json-c, so that a benchmark says
 * what it found in a line each. Objects belong to the object they were put into.
 */
#include <math.h>
#include <stdio.h>

#include "bench.h"

/* Numbers that are whole are written so; others with as many digits as are of use. */
static json_object *number(double value)
{
	char text[40];

	if (!isfinite(value))
		return NULL;
	if (value == rint(value) && fabs(value) < 9e15)
		return json_object_new_int64((int64_t)value);
	snprintf(text, sizeof(text), "%.6g", value);
	return json_object_new_double_s(value, text);
}

void put_number(json_object *to, const char *name, double value)
{
	json_object_object_add(to, name, number(value));
}

void put_text(json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

void put_numbers(json_object *to, const char *name, const double *values, unsigned int n)
{
	json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < n; i++)
		json_object_array_add(array, number(values[i]));
	json_object_object_add(to, name, array);
}

json_object *put_object(json_object *to, const char *name)
{
	json_object *object;

	if (json_object_object_get_ex(to, name, &object))
		return object;
	object = json_object_new_object();
	json_object_object_add(to, name, object);
	return object;
}

void put_stats(json_object *to, const struct vfio_iopf_stats *stats)
{
	put_number(to, "groups", (double)stats->groups);
	put_number(to, "requests", (double)stats->requests);
	put_number(to, "faults", (double)stats->faults);
	put_number(to, "faults_spurious", (double)stats->faults_spurious);
	put_number(to, "pages_mapped", (double)stats->pages_mapped);
	put_number(to, "huge_mapped", (double)stats->huge_mapped);
	put_number(to, "bring_ins", (double)stats->bring_ins);
	put_number(to, "retries", (double)stats->retries);
	put_number(to, "backoffs", (double)stats->backoffs);
	put_number(to, "evictions", (double)stats->evictions);
	put_number(to, "pages_evicted", (double)stats->pages_evicted);
	put_number(to, "flushes", (double)stats->flushes);
	put_number(to, "resident_pages", (double)stats->resident_pages);
}

json_object *figure_add(struct result *to, const char *key, const char *unit, double value)
{
	json_object *figure = put_object(to->figures, key);

	put_number(figure, "value", value);
	put_text(figure, "unit", unit);
	printf("    %-26s %12.6g %s\n", key, value, unit);
	return figure;
}

json_object *plot_add(json_object *figure, const char *x_label, const char *y_label, bool log_x,
		      bool log_y, const double *x, unsigned int n)
{
	json_object *plots, *plot = json_object_new_object();

	if (!json_object_object_get_ex(figure, "plot", &plots)) {
		plots = json_object_new_array();
		json_object_object_add(figure, "plot", plots);
	}
	json_object_array_add(plots, plot);
	put_text(plot, "x_label", x_label);
	put_text(plot, "y_label", y_label);
	json_object_object_add(plot, "log_x", json_object_new_boolean(log_x));
	json_object_object_add(plot, "log_y", json_object_new_boolean(log_y));
	put_numbers(plot, "x", x, n);
	json_object_object_add(plot, "series", json_object_new_array());
	return plot;
}

void plot_series(json_object *plot, const char *name, const double *y, unsigned int n)
{
	json_object *series, *one = json_object_new_object();

	json_object_object_get_ex(plot, "series", &series);
	put_text(one, "name", name);
	put_numbers(one, "y", y, n);
	json_object_array_add(series, one);
}
