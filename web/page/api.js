/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * api.js - the API: answers kept with their ETags, and problems as RFC 9457 has them.
 */

const known = new Map();	/* path -> { etag, data }: 304 costs nothing */
const asked = new Map();	/* path -> what is under way: who asks for the same meanwhile gets the same */

/* Where the page itself lies, without a slash at the end: the root of a host, or a path of a proxy. */
export const home = new URL('.', document.baseURI).href.replace(/\/$/, '');
export const at = (path) => `${home}/${path.replace(/^\//, '')}`;

export class Problem extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
	}
}

/* What is no JSON is not mxtrapd's, whatever its status: the page of a proxy where the reader has to sign in again. */
async function read(answer) {
	const data = await answer.json().catch(() => null);
	if (answer.ok && data !== null && typeof data === 'object')
		return data;
	const problem = new Problem(answer.status, data?.detail || `something between this page and mxtrapd answered (HTTP ${answer.status})`);
	problem.foreign = !data?.detail;
	throw problem;
}

export function get(path) {
	if (!asked.has(path))
		asked.set(path, ask(path).finally(() => asked.delete(path)));
	return asked.get(path);
}

async function ask(path) {
	const before = known.get(path);
	const answer = await fetch(at(path), {
		cache: 'no-store',
		headers: before?.etag ? { 'If-None-Match': before.etag } : {},
		signal: AbortSignal.timeout(10000),
	});
	if (answer.status === 304 && before)
		return before.data;
	const data = await read(answer);
	if (known.size > 64)
		known.delete(known.keys().next().value);
	known.delete(path);
	known.set(path, { etag: answer.headers.get('ETag'), data });
	return data;
}

/* What changes something.  The token goes into this one header, and nowhere else. */
export async function post(path, body, token) {
	const answer = await fetch(at(path), {
		method: 'POST', cache: 'no-store', signal: AbortSignal.timeout(15000),
		headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }, body: JSON.stringify(body),
	});
	return read(answer);
}

/* The database is another one: nothing of what was answered before is true of it. */
export const forget = () => known.clear();

/* The pages of a list, joined; each is asked for with the key at which the one before ended. */
export async function pagesOf(path, pages, name = 'entries') {
	const all = [];
	let after = '', answer;
	for (let i = 0; i < pages; i++) {
		answer = await get(path + after);
		all.push(...answer[name]);
		if (answer.next === null)
			break;
		after = '&after=' + encodeURIComponent(answer.next);
	}
	return { ...answer, [name]: all };
}
