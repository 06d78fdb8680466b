import Foundation
import PackagePlugin

/// Lets `scripts/build-stamp` write the source that says what the programs are built from, in every build.
///
/// SwiftPM keeps what a plugin says for as long as the package's files are the same ones, so neither this code nor a list of inputs would
/// notice a commit reliably. The script therefore touches a file that it is told to depend on: the next build runs it again, and
/// compiles and links only where its answer is another one.
@main
struct BuildStampPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let folder = context.pluginWorkDirectoryURL
        let script = context.package.directoryURL.appending(path: "scripts/build-stamp")
        let stamp = folder.appending(path: "BuildStamp+Commit.swift")
        let touched = folder.appending(path: "touched")
        if !FileManager.default.fileExists(atPath: touched.path) {
            try Data().write(to: touched)
        }
        return [
            .buildCommand(
                displayName: "Noting what is built", executable: URL(filePath: "/bin/sh"),
                arguments: [script.path, stamp.path, touched.path], inputFiles: [script, touched],
                outputFiles: [stamp])
        ]
    }
}
