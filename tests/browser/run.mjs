/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run.mjs [NAME...] - the browser's tests, or those of these files, in one browser. */
import { failures, launch } from './world.mjs';

/* truth is the last: behind its wave of bots no attempt of their network is kept for an hour. */
const files = ['weight', 'pages', 'links', 'acts', 'live', 'hostile', 'proxy', 'unsure', 'truth'];
const wanted = process.argv.slice(2);
const browser = await launch();
try {
	for (const name of files.filter((f) => wanted.length === 0 || wanted.includes(f)))
		await (await import(`./${name}.mjs`)).default(browser);
} finally {
	await browser.close();
}
process.exit(failures() > 0 ? 1 : 0);
