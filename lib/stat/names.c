/* SPDX-License-Identifier: BSD-3-Clause */
#include "stat/stat.h"

#define VEX_STAGE(NAME, text) [VEX_STAGE_##NAME] = text,
static const char *const stages[] = {
#include "stat/stat.def"
};

#define VEX_CLASS(NAME, text) [VEX_CLASS_##NAME] = text,
static const char *const classes[] = {
#include "stat/stat.def"
};

#define VEX_DROP(NAME, text, description) [VEX_DROP_##NAME] = text,
static const char *const drops[] = {
#include "stat/stat.def"
};

#define VEX_DROP(NAME, text, description) [VEX_DROP_##NAME] = description,
static const char *const drop_texts[] = {
#include "stat/stat.def"
};

#define VEX_REJECT(NAME, text, description) [VEX_REJECT_##NAME] = text,
static const char *const rejects[] = {
#include "stat/stat.def"
};

#define VEX_REJECT(NAME, text, description) [VEX_REJECT_##NAME] = description,
static const char *const reject_texts[] = {
#include "stat/stat.def"
};

const char *vex_stage_name(unsigned stage)
{
	return stage < VEX_STAGE_LIMIT ? stages[stage] : NULL;
}

const char *vex_class_name(unsigned class)
{
	return class < VEX_CLASS_COUNT ? classes[class] : NULL;
}

const char *vex_drop_name(unsigned drop)
{
	return drop < VEX_DROP_LIMIT ? drops[drop] : NULL;
}

const char *vex_drop_text(unsigned drop)
{
	return drop < VEX_DROP_LIMIT ? drop_texts[drop] : NULL;
}

const char *vex_reject_name(unsigned reject)
{
	return reject < VEX_REJECT_LIMIT ? rejects[reject] : NULL;
}

const char *vex_reject_text(unsigned reject)
{
	return reject < VEX_REJECT_LIMIT ? reject_texts[reject] : NULL;
}
