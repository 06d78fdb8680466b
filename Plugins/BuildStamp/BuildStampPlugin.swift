import Foundation
import PackagePlugin

/// Lets `scripts/build-stamp` write the source that says what the programs are built from.
///
/// It is a command of the build and not of its planning, which SwiftPM keeps: the script runs whenever one of the inputs
/// has changed, and only then. What Git notes at every commit and checkout is among them, where there is a Git.
@main
struct BuildStampPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let package = context.package.directoryURL
        let script = package.appending(path: "scripts/build-stamp")
        let stamp = context.pluginWorkDirectoryURL.appending(path: "BuildStamp+Commit.swift")
        var inputs = [script, package.appending(path: "Package.swift")]
        for folder in ["Plugins", "Sources"] {
            inputs += files(below: package.appending(path: folder))
        }
        let folder = gitFolder(of: package)
        inputs += ["HEAD", "logs/HEAD", "index"].map { folder.appending(path: $0) }
            .filter { FileManager.default.fileExists(atPath: $0.path) }
        return [
            .buildCommand(
                displayName: "Noting what is built", executable: URL(filePath: "/bin/sh"),
                arguments: [script.path, stamp.path], inputFiles: inputs, outputFiles: [stamp])
        ]
    }

    private func files(below folder: URL) -> [URL] {
        let all = FileManager.default.enumerator(
            at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        let files = (all?.compactMap { $0 as? URL } ?? []).filter {
            (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true
        }
        return files.sorted { $0.path < $1.path }
    }

    /// Where Git keeps what belongs to this folder: of a worktree, a file says it.
    private func gitFolder(of package: URL) -> URL {
        let git = package.appending(path: ".git")
        guard let text = try? String(contentsOf: git, encoding: .utf8),
            let line = text.split(separator: "\n").first, line.hasPrefix("gitdir: ")
        else { return git }
        return URL(
            filePath: String(line.dropFirst("gitdir: ".count)), directoryHint: .isDirectory,
            relativeTo: package)
    }
}
