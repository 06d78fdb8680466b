// What every program is linked with, and no room imports: the function `purkinje_build`, which CSystem declares and
// `Software.version` calls. `scripts/build-stamp` writes it while the package is built (Plugins/BuildStamp).
//
// It is a target of its own, reached by its name in C, so that another commit compiles one file and links the programs
// again, and not every room that knows a version.
