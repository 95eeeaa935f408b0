/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The meaning of a section [limits]. */

#include "config/sections.h"
#include "policy/limits.h"

/* Sets the limits that the section has; reports the values that make no sense. */
void limits_section_compile(Sections *sections, const Section *section, Limits *limits);
