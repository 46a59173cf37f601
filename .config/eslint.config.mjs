import { resolve } from 'node:path'
import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { layers } from './layers.mjs'

const top = resolve(import.meta.dirname, '..')
const typescript = ['lib/**/*.ts', 'spec/**/*.ts', 'bench/**/*.ts']

export default defineConfig(
  { ignores: ['dist/', 'node_modules/', '.tap/', 'spec/readme/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error'
    }
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: { Buffer: 'readonly', URL: 'readonly', console: 'readonly', process: 'readonly' }
    }
  },
  {
    files: typescript,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: top } },
    rules: {
      // -- what strict leaves out --
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false }
      ],

      // -- strict, told how we write --
      '@typescript-eslint/no-floating-promises': [
        'error',
        // tap keeps its subtests in order itself, awaited or not.
        {
          allowForKnownSafePromises: [{ from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' }]
        }
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' }
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          destructuredArrayIgnorePattern: '^_',
          // Taken off so that the rest is without it.
          ignoreRestSiblings: true
        }
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowAny: false, allowNullish: false }
      ],

      // -- strict, where it is a matter of taste --
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-generated-empty-object-type': 'off',
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/prefer-reduce-type-parameter': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unified-signatures': 'off'
    }
  },
  {
    files: ['lib/**/*.ts'],
    plugins: { cospipe: { rules: { layers } } },
    rules: {
      'cospipe/layers': 'error',
      // A cast that tsc cannot check is a promise nobody keeps: decode, or narrow.
      '@typescript-eslint/no-unsafe-type-assertion': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      'no-console': 'error'
    }
  },
  {
    // The network by its other name.
    files: ['lib/{core,stages,encryption,operations}/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', 'fetch', 'WebSocket', 'EventSource'] }
  },
  {
    // One Runtime has the clock, the timers and the randomness of a client, so that a test can run it in virtual time.
    files: ['lib/{core,stages,operations,client,transfers}/**/*.ts'],
    ignores: ['lib/core/runtime.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['fetch', 'WebSocket', 'EventSource'],
        ...['setTimeout', 'setInterval', 'performance'].map((name) => ({ name, message: 'Use the Runtime.' }))
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Use the Runtime.' },
        { object: 'Math', property: 'random', message: 'Use the Runtime.' }
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:timers/promises',
              importNames: ['setTimeout', 'setInterval'],
              message: 'Use the Runtime.'
            }
          ]
        }
      ]
    }
  },
  {
    files: ['lib/emulator/cli.ts'],
    rules: { 'no-console': 'off' }
  },
  {
    // A spec hands over nonsense on purpose, and knows what its own fixtures hold.
    files: ['spec/**/*.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/unbound-method': 'off'
    }
  }
)
