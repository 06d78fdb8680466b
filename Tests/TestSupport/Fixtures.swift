import Foundation

/// Where tests find what is not part of the project.
public enum Fixtures {
    /// The golden numbers: `PURKINJE_GOLDEN`, or `../shared/golden` beside the package.
    public static let goldenFolder = folder("PURKINJE_GOLDEN", default: "shared/golden")
    /// Real records: `PURKINJE_DATA`, or `../shared/data` beside the package.
    public static let dataFolder = folder("PURKINJE_DATA", default: "shared/data")

    /// Whether the golden numbers are there.
    public static var hasGolden: Bool {
        FileManager.default.fileExists(atPath: "\(goldenFolder)/manifest.json")
    }
    /// Whether the real records are there.
    public static var hasData: Bool { FileManager.default.fileExists(atPath: dataFolder) }

    /// The package's own folder.
    public static let packageFolder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    private static func folder(_ variable: String, default path: String) -> String {
        if let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty {
            return value
        }
        return URL(fileURLWithPath: packageFolder).deletingLastPathComponent()
            .appendingPathComponent(path).path
    }
}
