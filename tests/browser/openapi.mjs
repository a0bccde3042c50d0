/* SPDX-License-Identifier: GPL-2.0-or-later */
/* openapi.mjs FILE - what a linter says of the API's description; nothing, if it is well. */
import { createConfig, lint } from '@redocly/openapi-core';

const problems = await lint({ ref: process.argv[2], config: await createConfig({ extends: ['recommended'] }) });

for (const p of problems)
	console.log(`${process.argv[2]}: ${p.ruleId}: ${p.message} (${p.location[0]?.pointer ?? ''})`);
