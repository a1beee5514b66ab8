/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Compares texts as MySQL does with its collation utf8mb4_general_ci: without case, accents and blanks at the end; all
 * characters beyond the BMP are equal. Each character has one weight: the upper case of its letter without accents.
 */

#include "model.h"

#include <locale.h>
#include <wchar.h>
#include <wctype.h>

#define WEIGHT_ASTRAL 0xFFFDU

/* Upper-case letters, and those without one, by the letter that they are without accents. Й has a weight of its own. */
static const struct {
	wchar_t base;
	const wchar_t *accented;
} letters[] = {
	{ L'A', L"ÀÁÂÃÄÅĀĂĄǍǞǠǺȀȂȦḀẠẢẤẦẨẪẬẮẰẲẴẶ" },
	{ L'B', L"ḂḄḆ" },
	{ L'C', L"ÇĆĈĊČḈ" },
	{ L'D', L"ĎḊḌḎḐḒ" },
	{ L'E', L"ÈÉÊËĒĔĖĘĚȄȆȨḔḖḘḚḜẸẺẼẾỀỂỄỆ" },
	{ L'F', L"Ḟ" },
	{ L'G', L"ĜĞĠĢǦǴḠ" },
	{ L'H', L"ĤȞḢḤḦḨḪẖ" },
	{ L'I', L"ÌÍÎÏĨĪĬĮİǏȈȊḬḮỈỊ" },
	{ L'J', L"Ĵǰ" },
	{ L'K', L"ĶǨḰḲḴ" },
	{ L'L', L"ĹĻĽḶḸḺḼ" },
	{ L'M', L"ḾṀṂ" },
	{ L'N', L"ÑŃŅŇǸṄṆṈṊ" },
	{ L'O', L"ÒÓÔÕÖŌŎŐƠǑǪǬȌȎȪȬȮȰṌṎṐṒỌỎỐỒỔỖỘỚỜỞỠỢ" },
	{ L'P', L"ṔṖ" },
	{ L'R', L"ŔŖŘȐȒṘṚṜṞ" },
	{ L'S', L"ŚŜŞŠȘṠṢṤṦṨß" },
	{ L'T', L"ŢŤȚṪṬṮṰẗ" },
	{ L'U', L"ÙÚÛÜŨŪŬŮŰŲƯǓǕǗǙǛȔȖṲṴṶṸṺỤỦỨỪỬỮỰ" },
	{ L'V', L"ṼṾ" },
	{ L'W', L"ŴẀẂẄẆẈẘ" },
	{ L'X', L"ẊẌ" },
	{ L'Y', L"ÝŶŸȲẎẙỲỴỶỸ" },
	{ L'Z', L"ŹŻŽẐẒẔ" },
	{ L'Æ', L"ǢǼ" },
	{ L'Ø', L"Ǿ" },
	{ L'Ʒ', L"Ǯ" },
	{ L'Α', L"ΆἈἉἊἋἌἍἎἏᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾲᾳᾴᾶᾷᾸᾹᾺᾼ" },
	{ L'Ε', L"ΈἘἙἚἛἜἝῈ" },
	{ L'Η', L"ΉἨἩἪἫἬἭἮἯᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟῂῃῄῆῇῊῌ" },
	{ L'Ι', L"ΊΐΪἸἹἺἻἼἽἾἿῒῖῗῘῙῚ" },
	{ L'Ο', L"ΌὈὉὊὋὌὍῸ" },
	{ L'Ρ', L"ῤῬ" },
	{ L'Υ', L"ΎΫΰὐὒὔὖὙὛὝὟῢῦῧῨῩῪ" },
	{ L'Ω', L"ΏὨὩὪὫὬὭὮὯᾠᾡᾢᾣᾤᾥᾦᾧᾨᾩᾪᾫᾬᾭᾮᾯῲῳῴῶῷῺῼ" },
	{ L'ϒ', L"ϓϔ" },
	{ L'І', L"Ї" },
	{ L'А', L"ӐӒ" },
	{ L'Г', L"Ѓ" },
	{ L'Е', L"ЀЁӖ" },
	{ L'Ж', L"ӁӜ" },
	{ L'З', L"Ӟ" },
	{ L'И', L"ЍӢӤ" },
	{ L'К', L"Ќ" },
	{ L'О', L"Ӧ" },
	{ L'У', L"ЎӮӰӲ" },
	{ L'Ч', L"Ӵ" },
	{ L'Ы', L"Ӹ" },
	{ L'Э', L"Ӭ" },
	{ L'Ѵ', L"Ѷ" },
	{ L'Ә', L"Ӛ" },
	{ L'Ө', L"Ӫ" },
};

uint32_t sim_utf8_next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : *p >= 0xC0 ? 1 : 0;
	uint32_t c = more ? *p & (0x3FU >> more) : *p;

	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xC0) != 0x80) {
			(*s)++;
			return *p;
		}
		c = c << 6 | (p[i] & 0x3F);
	}

	*s += 1 + more;
	return c;
}

uint32_t sim_upper(uint32_t c)
{
	static locale_t unicode;

	if (!unicode)
		unicode = sim_checked(newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL));
	return towupper_l(c, unicode);
}

uint32_t sim_mysql_weight(const char **s)
{
	uint32_t c = sim_utf8_next(s);
	wchar_t big;

	if (c > 0xFFFF)
		return WEIGHT_ASTRAL;
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;

	big = (wchar_t)sim_upper(c);
	for (size_t i = 0; big >= 0x80 && i < ARRAY_SIZE(letters); i++)
		if (wcschr(letters[i].accented, big))
			return (uint32_t)letters[i].base;
	return (uint32_t)big;
}

static bool only_blanks(const char *s)
{
	return s[strspn(s, " ")] == '\0';
}

bool sim_mysql_equal(const char *a, const char *b)
{
	while (*a && *b)
		if (sim_mysql_weight(&a) != sim_mysql_weight(&b))
			return false;
	return only_blanks(a) && only_blanks(b);
}

/*
 * Whether the text begins with the pattern: "%" stands for anything, "_" for one character, "\\" takes the meaning from
 * the next one.
 */
static bool begins_like(const char *text, const char *pattern)
{
	for (; *pattern; (void)sim_mysql_weight(&text)) {
		const char *t = text;

		if (*pattern == '%')
			return sim_mysql_contains(text, pattern + 1);
		if (!*text)
			return false;
		if (*pattern == '_') {
			pattern++;
			continue;
		}
		if (*pattern == '\\' && pattern[1])
			pattern++;
		if (sim_mysql_weight(&t) != sim_mysql_weight(&pattern))
			return false;
	}
	return true;
}

bool sim_mysql_contains(const char *text, const char *part)
{
	for (; *text; (void)sim_mysql_weight(&text))
		if (begins_like(text, part))
			return true;
	return begins_like(text, part);
}

bool sim_mysql_astral(const char *s)
{
	while (*s)
		if (sim_utf8_next(&s) > 0xFFFF)
			return true;
	return false;
}
