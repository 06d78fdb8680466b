import Foundation
import Launching
import Runtime
import Testing

/// From synthetic records to an evaluated run, as a user types it.
@Suite struct EvaluationCommandTests {
    @Test func evaluatesARunToTheSameBytesTwice() throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/purkinje-evaluation-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        func purkinje(_ arguments: String...) throws -> [String] {
            let result = try Programs.run(arguments)
            try #require(result.code == 0, "\(arguments): \(result.lines)")
            return result.lines
        }
        let (data, run) = ("\(folder)/ecg.purkinje", "\(folder)/run")
        _ = try purkinje(
            "data", "synthesise", "--out", folder + "/ecg", "--records", "160", "--seed", "8")
        _ = try purkinje("data", "prepare", "--source", folder + "/ecg", "--out", data)
        try AtomicFile.write(
            """
            {
              "method": "st-mem", "batchSize": 4, "logicalShards": 2, "steps": 1,
              "encoder": { "width": 32, "depth": 1, "heads": 1, "headWidth": 32 },
              "decoder": { "width": 16, "depth": 1, "heads": 1, "headWidth": 16 },
              "optimizer": { "warmupSteps": 0 }, "validation": { "everySteps": 0 }
            }
            """, to: folder + "/configuration.json")
        _ = try purkinje(
            "pretrain", "--config", folder + "/configuration.json", "--data", data, "--run", run)
        func evaluation(threads: Int) throws -> String {
            let lines = try purkinje(
                "evaluate", "--run", run, "--data", data, "--centre-crop", "--threads",
                "\(threads)", "--json")
            return try #require(lines.first { $0.hasPrefix("{") })
        }
        let first = try evaluation(threads: 1)
        #expect(try first == evaluation(threads: 2))
        let result = try JSONValue(parsing: first.utf8)
        #expect(result["method"] == "st-mem" && result["dimension"] == 32)
        #expect(result["controls"]?["random"]?["linear"]?["test"]?["auroc_macro"] != nil)
        let table = try purkinje("compare", run, run, "--data", data, "--centre-crop")
        #expect(table.contains { $0.hasPrefix("random") })
        let file = folder + "/embeddings.safetensors"
        _ = try purkinje(
            "embed", "--run", run, "--data", data, "--out", file, "--csv", file + ".csv")
        let lines = try String(contentsOfFile: file + ".csv", encoding: .utf8).split(
            separator: "\n")
        #expect(lines.count == 161)
        #expect(lines[0].hasPrefix("record,fold,superclasses,e0,e1,"))
    }
}
