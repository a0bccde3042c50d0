/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worldmap.js - the countries' outlines as SVG paths; asked for only when somebody opens the map.
 */
import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';

/* [{ id: "276", name, d }]: id is the ISO number. */
export function outlines(topology, width, height) {
	const world = feature(topology, topology.objects.countries);
	const path = geoPath(geoNaturalEarth1().fitSize([width, height], { type: 'Sphere' })).digits(1);
	return world.features.map((f) => ({ id: f.id, name: f.properties.name, d: path(f) }));
}
