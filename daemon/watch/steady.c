/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steady.c - a time for the trap that does not jump when somebody sets the clock.
 *
 * CLOCK_BOOTTIME goes on through suspend and is never set: where the wall clock's
 * progress differs from it, the wall clock was moved.
 */
#include "watch_int.h"

int64_t
steady_look(struct steady *s, int64_t wall_us, int64_t boot_us)
{
	int64_t passed, step, slew;

	if (s->boot_us == 0) {
		*s = (struct steady){ .wall_us = wall_us, .boot_us = boot_us };
		return 0;
	}
	passed = boot_us - s->boot_us;
	step = wall_us - s->wall_us - passed;
	s->wall_us = wall_us;
	s->boot_us = boot_us;
	if (step < -STEADY_STEP_US || step > STEADY_STEP_US) {
		s->shift_us += step;
		return step;
	}
	/* So far behind, the wall clock is plainly wrong: going at half the speed until then would double every term. */
	if (s->shift_us < -STEADY_TERM_US)
		return 0;
	slew = passed / 2;
	if (s->shift_us > 0)
		s->shift_us -= s->shift_us < slew ? s->shift_us : slew;
	else if (s->shift_us < 0)
		s->shift_us += -s->shift_us < slew ? -s->shift_us : slew;
	return 0;
}

void
steady_resume(struct steady *s, int64_t now_us)
{
	s->shift_us = s->wall_us - now_us;
}

int64_t
steady_time(const struct steady *s, int64_t wall_us)
{
	/* A stamp from before a step backwards, or a lie of the driver, must not carry the trap into the future. */
	return (wall_us < s->wall_us ? wall_us : s->wall_us) - s->shift_us;
}
