/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compiles a section [limits]. */

#include "config/sections.h"
#include "policy/limits.h"

/* Sets those limits that the section has; reports values that are malformed or out of bounds. */
void limits_section_compile(Sections *sections, const Section *section, Limits *limits);
