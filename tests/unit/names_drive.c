// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of devices against a model that takes the string apart at its commas, in an
 * alphabet that is small, so that names meet each other, and parts of others.
 */
#include <stdio.h>
#include <string.h>

#include "policy/names.h"
#include "support.h"

#define MAX_LENGTH	24

static bool model_is_name(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return strpbrk(name, ":.-");
}

/* Cuts @text up; with a name, whether it is one of its parts; without, if all are good. */
static bool model(const char *text, const char *name)
{
	char copy[MAX_LENGTH + 1], *rest = copy, *part;

	memcpy(copy, text, strlen(text) + 1);
	while ((part = strsep(&rest, ","))) {
		if (name && !strcmp(part, name))
			return true;
		if (!name && !model_is_name(part))
			return false;
	}
	return !name;
}

static void take_text(char *text, u32 max, struct bytes *b)
{
	static const char alphabet[] = "0a:.-,,0:\x7f\x80 ~\n";
	u32 length = bytes_below(b, max + 1), i;

	for (i = 0; i < length; i++)
		text[i] = alphabet[bytes_below(b, i % 4 ? 9 : sizeof(alphabet) - 1)];
	text[length] = '\0';
}

void names_drive(struct bytes *b)
{
	char text[MAX_LENGTH + 1], name[4];

	while (b->left) {
		bool valid;

		take_text(text, MAX_LENGTH, b);
		take_text(name, sizeof(name) - 1, b);
		valid = viopf_names_valid(text);
		CHECK(valid == model(text, NULL));
		if (valid && !strchr(name, ','))
			CHECK(viopf_names_have(text, name) == model(text, name));
	}
}
