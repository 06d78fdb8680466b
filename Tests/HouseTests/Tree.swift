import Foundation
import Runtime
import TestSupport

/// The package's own files: what is in the repository, without builds and what tools leave behind.
enum Tree {
    private static let leftOut: Set = [".git", ".venv", "__pycache__", "quickstart"]

    /// Paths of all files below the package's folder, sorted.
    static func files() throws -> [String] {
        try files(below: "").sorted()
    }

    private static func files(below folder: String) throws -> [String] {
        try FilePath(Fixtures.packageFolder + "/" + folder).entries().flatMap {
            entry, isFolder -> [String] in
            let name = entry.text
            guard !leftOut.contains(name), !name.hasPrefix(".build") else { return [] }
            let path = folder.isEmpty ? name : folder + "/" + name
            return isFolder ? try files(below: path) : [path]
        }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: Fixtures.packageFolder + "/" + path)
    }

    static func text(_ path: String) throws -> String {
        String(
            decoding: try FilePath(Fixtures.packageFolder + "/" + path).contents(), as: UTF8.self)
    }

    static func lines(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Letters, digits and underscores in a row, in the lines' parts before a comment.
    static func words(_ lines: [Substring]) -> [Substring] {
        lines.flatMap { line in
            code(line).split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }
        }
    }

    /// A line without its comment.
    static func code(_ line: Substring) -> Substring {
        guard line.contains("/"), let comment = line.range(of: "//") else { return line }
        return line[..<comment.lowerBound]
    }
}
