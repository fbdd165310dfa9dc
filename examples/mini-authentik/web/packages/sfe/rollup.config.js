/** The simple page, for browsers that know no modules: one script in the old form. */
export default {
    input: "src/index.js",
    output: { file: "../../dist/sfe/main.js", format: "iife" },
};
