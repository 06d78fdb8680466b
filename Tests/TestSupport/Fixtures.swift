import Foundation
import Testing

/// Where tests find what they read, inside the package and beside it.
public enum Fixtures {
    /// The package's own folder.
    public static let packageFolder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The golden numbers of the package, which every golden test reads.
    public static let goldenFolder = packageFolder + "/Tests/Golden"
    /// Further golden cases of the same form, where there are some: `PURKINJE_GOLDEN`, or `../shared/golden` beside the package.
    public static let furtherGoldenFolder = folder("PURKINJE_GOLDEN", default: "shared/golden")
    /// Real records: `PURKINJE_DATA`, or `../shared/data` beside the package.
    public static let dataFolder = folder("PURKINJE_DATA", default: "shared/data")

    /// Whether the real records are there.
    public static var hasData: Bool { FileManager.default.fileExists(atPath: dataFolder) }
    /// The path of one of the WFDB package's test records among them.
    public static func record(_ name: String) -> String { "\(dataFolder)/wfdb-samples/\(name)" }

    private static func folder(_ variable: String, default path: String) -> String {
        if let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty {
            return value
        }
        return URL(fileURLWithPath: packageFolder).deletingLastPathComponent()
            .appendingPathComponent(path).path
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips where the real records are not at hand: there are too many of them to be in the repository.
    ///
    /// `scripts/test` knows the first words; where warnings are errors it lets a test be skipped for no other reason.
    public static var needsRecords: Self {
        .enabled(if: Fixtures.hasData, "needs real records (PURKINJE_DATA)")
    }

    /// Skips where a program that cannot be in the repository is not installed; see `needsRecords`.
    public static func needsBrowser(_ isInstalled: Bool) -> Self {
        .enabled(if: isInstalled, "needs a browser (scripts/setup --browser)")
    }
}
