import "../helpers/install.js";
export * from "./default.js";
export { default } from "./default.js";
