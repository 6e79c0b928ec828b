import "../helpers/install.js";
export * from "./edge-light.js";
export { default } from "./edge-light.js";
