import "../helpers/install.js";
export * from "./workerd.js";
export { default } from "./workerd.js";
