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
        func page(_ name: String) throws -> String {
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        }
        let first = try evaluation(threads: 1)
        #expect(try first == evaluation(threads: 2))
        let result = try JSONValue(parsing: first.utf8)
        #expect(result["method"] == "st-mem" && result["dimension"] == 32)
        #expect(result["controls"]?["random"]?["linear"]?["test"]?["auroc_macro"] != nil)
        #expect(result["map"] == nil)
        let table = try purkinje(
            "compare", run, run, "--data", data, "--centre-crop", "--report", folder + "/all.html")
        #expect(table.contains { $0.hasPrefix("random") })
        #expect(try page("all.html").contains("The study's figures"))
        let file = folder + "/embeddings.safetensors"
        _ = try purkinje(
            "embed", "--run", run, "--data", data, "--out", file, "--csv", file + ".csv")
        let lines = try String(contentsOfFile: file + ".csv", encoding: .utf8).split(
            separator: "\n")
        #expect(lines.count == 161)
        #expect(lines[0].hasPrefix("record,fold,superclasses,e0,e1,"))
        try checkPagesAndMaps(folder, data: data, run: run, embeddings: file)
    }

    /// What the evaluation, the run and the embeddings look like.
    private func checkPagesAndMaps(
        _ folder: String, data: String, run: String, embeddings: String
    ) throws {
        func object(_ arguments: String...) throws -> JSONValue {
            let result = try Programs.run(arguments + ["--json"])
            try #require(result.code == 0, "\(arguments): \(result.lines)")
            return try JSONValue(parsing: try #require(result.lines.last).utf8)
        }
        let evaluation = try object(
            "evaluate", "--run", run, "--data", data, "--centre-crop", "--protocols", "linear",
            "--report", folder + "/one.html", "--coordinates")
        let tested = evaluation["records"]?["test"]?.integerValue
        #expect(evaluation["map"]?["records"]?.arrayValue?.count == tested)
        #expect(evaluation["map"]?["principal_components"]?.arrayValue?.count == tested)
        let page = try String(contentsOfFile: folder + "/one.html", encoding: .utf8)
        for part in ["Records in a plane", "ROC curves of MI", "What is taken for what"] {
            #expect(page.contains(part), "\(part)")
        }
        _ = try object("report", run, "--data", data, "--out", folder + "/run.html")
        let about = try String(contentsOfFile: folder + "/run.html", encoding: .utf8)
        #expect(about.contains("Records in a plane") && about.contains("labelled records"))
        let map = try object(
            "map", embeddings, "--svg", folder + "/map.svg", "--method", "pca", "--coordinates",
            "--records", "50")
        #expect(map["places"]?.arrayValue?.count == 50 && map["all_records"] == 160)
        let drawing = try String(contentsOfFile: folder + "/map.svg", encoding: .utf8)
        #expect(drawing.hasPrefix("<svg ") && drawing.contains("NORM ("))
        let refused = try Programs.run(["map", embeddings, "--perplexity", "100"])
        #expect(refused.code == 1 && refused.lines.contains { $0.contains("between 1 and 53") })
    }
}
