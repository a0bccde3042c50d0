/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle.mjs - build tool: web/page and the packages it names, to the files that are embedded.
 *
 * bundle.mjs OUT
 * app.js and style.css have all that the first sight needs; worldmap.js and countries.json come
 * when somebody asks for the map.  notices.txt has the licence of each package that went in.
 * Each file lies there compressed as well.  What is wrong fails the build.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const docs = join(here, '../docs/consumers');
const out = process.argv[2] && resolve(process.argv[2]);
const require = createRequire(import.meta.url);
const packages = new Set(['node_modules/world-atlas']);	/* folders: a package may be there twice */

if (!out) {
	console.error('usage: bundle.mjs OUT');
	process.exit(2);
}
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

/* docs/consumers/NAME.md as what the page shows of it: paragraphs, code, tables.  Anything else is a paragraph. */
function guide(name) {
	const [, title, text] = /^# (.*)\n([^]*)$/.exec(readFileSync(join(docs, name), 'utf8'));
	const blocks = [];
	for (const part of text.split(/(^```[^]*?^```\n)/m)) {
		const code = /^```[a-z]*\n([^]*)\n```\n$/.exec(part);
		if (code) {
			blocks.push({ code: code[1] });
			continue;
		}
		for (const p of part.split(/\n{2,}/).map((q) => q.trim()).filter(Boolean))
			blocks.push(p.startsWith('|') ? { table: p.split('\n').filter((l) => !/^[|-]+$/.test(l)).map((l) => l.slice(1, -1).split('|').map((c) => c.trim())) } :
				{ text: p.replaceAll('\n', ' ') });
	}
	return { name: name.replace('.md', ''), title, blocks };
}

const guides = { name: 'guides', setup(plugin) {
	plugin.onResolve({ filter: /^guides$/ }, () => ({ path: 'guides', namespace: 'guides' }));
	plugin.onLoad({ filter: /./, namespace: 'guides' }, () => ({ loader: 'json', contents: JSON.stringify(readdirSync(docs).filter((f) => f.endsWith('.md')).sort().map(guide)) }));
} };

/* One file an entry: no chunk that a page would have to ask for first. */
async function bundle(name) {
	const done = await build({
		entryPoints: [join(here, 'page', name)], outfile: join(out, name), bundle: true, minify: true,
		format: 'esm', target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'], charset: 'utf8',
		external: ['./worldmap.js'], metafile: true, plugins: [guides], legalComments: 'none', logLevel: 'warning', absWorkingDir: here,
	});
	for (const input of Object.keys(done.metafile.inputs)) {
		const part = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
		if (part)
			packages.add(part[0]);
	}
}

/* The notices name each package with its own licence file; one without is no package of ours. */
function notices() {
	const texts = [...packages].sort().map((name) => {
		const folder = join(here, name);
		const { name: called, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
		const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
		if (!file)
			throw new Error(`${name} has no licence file`);
		return `${called} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
	});
	return `The dashboard of mxtrap has in it these packages, each under its own licence.
mxtrap itself is under the GNU General Public License, version 2 or later.
The shapes of the countries are Natural Earth's, in the public domain.

${texts.join('\n' + '-'.repeat(78) + '\n\n')}`;
}

for (const name of ['app.js', 'worldmap.js', 'style.css'])
	await bundle(name);
for (const name of ['index.html', 'icon.svg'])
	writeFileSync(join(out, name), readFileSync(join(here, 'page', name)));
writeFileSync(join(out, 'countries.json'), readFileSync(require.resolve('world-atlas/countries-110m.json')));
writeFileSync(join(out, 'notices.txt'), notices());
for (const name of readdirSync(out))
	writeFileSync(join(out, name + '.gz'), gzipSync(readFileSync(join(out, name)), { level: 9 }));
