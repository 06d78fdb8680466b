import Foundation
import Runtime
import TestSupport
import Testing

/// What `scripts/build-stamp` says of a small package, with Git and without.
@Suite struct BuildStampTests {
    /// A package of one file, in a folder of its own.
    private final class Package {
        let folder = FilePath.temporary.absolute.appending("purkinje-stamp-\(UUID())")
        private var stamp: FilePath { folder.appending("out/stamp.swift") }

        init() throws {
            for name in ["Plugins", "Sources/A", "scripts"] {
                try folder.appending(FilePath(name)).makeFolders()
            }
            try write("let a = 1\n", to: "Sources/A/a.swift")
            try write("// a package\n", to: "Package.swift")
            try AtomicFile.write(
                FilePath(Fixtures.packageFolder + "/scripts/build-stamp").contents(),
                to: folder.appending("scripts/build-stamp"))
        }

        deinit { try? folder.removeAll() }

        func write(_ text: String, to name: String) throws {
            try AtomicFile.write(text, to: folder.appending(FilePath(name)))
        }

        /// Runs a script of the shell in the package's folder.
        func shell(_ script: String) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-euc", "cd '\(folder)'; export HOME=\"$PWD\"; \(script)"]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "\(script)")
        }

        func commit() throws {
            try shell(
                """
                [ -d .git ] || git init --quiet .
                git add Package.swift Sources scripts
                git -c user.name=Somebody -c user.email=somebody@example.org \
                -c commit.gpgsign=false commit --quiet --allow-empty --message change
                """)
        }

        /// What the stamp says now.
        func identity() throws -> BuildIdentity {
            try shell("sh scripts/build-stamp '\(stamp)'")
            let text = String(decoding: try stamp.contents(), as: UTF8.self)
            let match = try #require(text.firstMatch(of: /StaticString = "(.*)"/), "\(text)")
            return BuildIdentity(version: "1.0.0+\(match.1)")
        }

        func stampIdentity() throws -> [UInt64] { try stamp.status().identity }
    }

    @Test func withoutGitTheSourcesAreKnown() throws {
        let package = try Package()
        let first = try package.identity()
        #expect(first.commit == nil && !first.isModified && first.sources?.count == 10)
        try package.write("let a = 2\n", to: "Sources/A/a.swift")
        let second = try package.identity()
        #expect(first.relation(to: second) == .otherSources)
        try package.write("let a = 1\n", to: "Sources/A/a.swift")
        #expect(try package.identity() == first)
        try package.write("let a = 1\n", to: "Sources/A/b.swift")
        #expect(try package.identity().sources != first.sources)
        // Notes beside the sources are not built.
        try package.shell("rm Sources/A/b.swift; echo a > Sources/A/notes.txt; echo b > README.md")
        #expect(try package.identity() == first)
    }

    @Test func everyCommitIsNamed() throws {
        let package = try Package()
        try package.commit()
        let first = try package.identity()
        #expect(first.commit?.count == 10 && !first.isModified)
        let file = try package.stampIdentity()
        #expect(try package.identity() == first)
        #expect(try package.stampIdentity() == file, "the same stamp is not written again")
        try package.commit()
        let second = try package.identity()
        #expect(second.commit != first.commit && second.sources == first.sources)
        #expect(first.relation(to: second) == .same)
    }

    @Test func changedAndNewSourcesAreSaid() throws {
        let package = try Package()
        try package.commit()
        let clean = try package.identity()
        try package.write("let a = 2\n", to: "Sources/A/a.swift")
        let changed = try package.identity()
        #expect(changed.isModified && changed.commit == clean.commit)
        #expect(changed.relation(to: clean) == .otherSources)
        try package.write("let a = 1\n", to: "Sources/A/a.swift")
        #expect(try package.identity() == clean)
        try package.write("let b = 1\n", to: "Sources/A/b.swift")
        #expect(try package.identity().isModified)
        try package.shell("rm Sources/A/b.swift; echo text > README.md")
        #expect(try package.identity() == clean, "what is not built does not count")
    }

    /// An archive that somebody unpacked in a repository of their own.
    @Test func anotherRepositoryIsNotOurs() throws {
        let package = try Package()
        try package.commit()
        try package.shell("mkdir -p inner/Sources; cp -r Package.swift Plugins scripts inner")
        let stamp = package.folder.appending("stamp.swift")
        try package.shell("sh inner/scripts/build-stamp '\(stamp)'")
        let text = String(decoding: try stamp.contents(), as: UTF8.self)
        #expect(text.contains("\"unknown.src"), "\(text)")
    }
}
