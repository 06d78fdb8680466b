import ClinicalParameters
import Configurations
import Electrocardiography
import Foundation
import Runtime
import Testing

@testable import Evaluation

/// Synthetic records with labels, prepared once for all tests.
final class SyntheticRecords: Sendable {
    private static let shared = Result { try SyntheticRecords() }
    let folder: String
    let dataset: PreparedDataset

    static func records() throws -> SyntheticRecords { try shared.get() }

    private init() throws {
        folder =
            FileManager.default.temporaryDirectory.path + "/evaluation-\(getpid())-\(UUID())"
        _ = try SyntheticDataset(recordCount: 240, seed: 4).write(
            to: FilePath(folder + "/ecg"), threads: 2)
        dataset = try Self.prepare(folder + "/ecg", to: folder + "/ecg.purkinje")
    }

    static func prepare(
        _ source: String, to output: String, features: WindowFeatures? = ClinicalFeatures.ofWindows
    ) throws -> PreparedDataset {
        let preparation = DatasetPreparation(
            DatasetPreparation.Options(
                sources: [FilePath(source)], output: FilePath(output), threads: 2,
                features: features)
        )
        _ = try preparation.run(shouldStop: { false }, progress: { _ in })
        return try PreparedDataset(path: FilePath(output))
    }

    /// A set of the same records with another table of labels, and perhaps other files.
    func changed(
        _ name: String, files: (_ folder: String) throws -> Void = { _ in },
        _ change: ([String]) -> [String]
    ) throws -> PreparedDataset {
        let copy = "\(folder)/\(name)"
        try FileManager.default.copyItem(atPath: folder + "/ecg", toPath: copy)
        try files(copy)
        let table = copy + "/ptbxl_database.csv"
        let text = try String(contentsOfFile: table, encoding: .utf8)
        let lines = change(text.split(separator: "\n").map(String.init))
        try lines.joined(separator: "\n").write(toFile: table, atomically: true, encoding: .utf8)
        return try Self.prepare(copy, to: copy + ".purkinje")
    }

    /// A very small encoder.
    static func configuration(
        _ method: String = "st-mem", seed: Int = 3, changes: [String: JSONValue] = [:]
    ) throws -> Configuration {
        let encoder: JSONValue =
            switch method {
            case "ecg-jepa", "hybrid": ["width": 32, "depth": 1, "heads": 2]
            case "cpc": ["channels": 24]
            case "ecg-cpc": ["width": 24, "depth": 2]
            default: ["width": 32, "depth": 1, "heads": 1, "headWidth": 32]
            }
        var members: [String: JSONValue] = [
            "method": .string(method), "seed": .integer(Int64(seed)), "batchSize": 8,
            "logicalShards": 1,
        ]
        if changes["backbone"] == nil { members["encoder"] = encoder }
        return try Configuration(.object(members.merging(changes) { $1 }))
    }

    /// Fold 9 to validate, fold 10 to test.
    static func folds() throws -> FoldConfiguration { try configuration().data }
}
