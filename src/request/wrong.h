/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is wrong with a field's form, in words for whoever reads the portal's log: both readings call it the same. What
 * a value may not be stays FIELD_BAD_VALUE, what is not there FIELD_REQUIRED (booking.h).
 */
#pragma once

#include "arena.h"
#include "xml.h"

#define FIELD_TWICE     "Поле указано более одного раза"
#define FIELD_MISPLACED "Поле стоит не на своём месте"
#define FIELD_UNKNOWN   "Поле не предусмотрено описанием метода"
#define FIELD_NAMESPACE "Поле указано в другом пространстве имён"
#define FIELD_WORDS     "Между полями стоит лишний текст"
#define FIELD_ELEMENTS  "В значении поля стоят другие элементы"

/*
 * "Атрибут ... не предусмотрен", with the name of the first attribute that no field may have, if it is a plain one;
 * NULL: there is none. Where a schema is (xsi:schemaLocation) may be said of any element. Kept in a.
 */
const char *wrong_attribute(struct arena *a, const struct xml_node *node);
