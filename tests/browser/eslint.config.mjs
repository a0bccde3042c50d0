/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eslint.config.mjs - what is wrong in the page's and the tests' JavaScript; how it looks is not its business. */
import js from '@eslint/js';
import globals from 'globals';

/* Text gets into the page as text, styles by name, code by import: nothing is made of strings. */
const strings = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'cssText', 'srcdoc'].map((property) => ({ property, message: 'build it with h() or s()' }));

export default [
	js.configs.recommended,
	{
		languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
		linterOptions: { reportUnusedDisableDirectives: 'error' },
		rules: {
			eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-eval': 'error', 'no-implied-eval': 'error', 'no-new-func': 'error', 'no-shadow': 'error',
			'no-unused-vars': ['error', { argsIgnorePattern: '^_' }], 'no-param-reassign': 'off', 'no-restricted-properties': ['error', ...strings],
			'no-restricted-syntax': ['error', { selector: 'CallExpression[callee.property.name="write"][callee.object.name="document"]', message: 'build it with h()' }],
			'no-await-in-loop': 'off', 'no-control-regex': 'off', 'no-return-assign': 'off', 'no-promise-executor-return': 'error', 'require-atomic-updates': 'off',
		},
	},
	{ files: ['web/page/**/*.js'], languageOptions: { globals: globals.browser } },
	{ files: ['web/*.mjs', 'tests/browser/*.mjs'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
];
