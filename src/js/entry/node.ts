import "../helpers/install.js";
export * from "./dialects.default.js";
export { default } from "./dialects.default.js";
