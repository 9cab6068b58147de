import tseslint from "typescript-eslint";

export default tseslint.config(
  { files: ["src/**/*.ts", "test/**/*.ts"], extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: { "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }] } },
  { files: ["e2e/**/*.mjs", "scripts/**/*.mjs"], extends: [tseslint.configs.recommended] },
);
