import Foundation
import Launching
import Runtime
import Testing

/// From synthetic records to an evaluated run, as a user types it.
@Suite struct EvaluationCommandTests {
    private func purkinje(_ arguments: String...) throws -> [String] {
        let result = try Programs.run(arguments)
        try #require(result.code == 0, "\(arguments): \(result.lines)")
        return result.lines
    }

    private func newFolder() throws -> String {
        let folder =
            FileManager.default.temporaryDirectory.path + "/purkinje-evaluation-\(UUID())"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Records, and a run that made one step with them.
    private func pretrain(in folder: String) throws -> (data: String, run: String) {
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
            """, to: FilePath(folder + "/configuration.json"))
        _ = try purkinje(
            "pretrain", "--config", folder + "/configuration.json", "--data", data, "--run", run)
        return (data, run)
    }

    @Test func evaluatesARunToTheSameBytesTwice() throws {
        let folder = try newFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (data, run) = try pretrain(in: folder)
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
        _ = try purkinje(
            "embed", "--run", run, "--data", data, "--out", folder + "/random.safetensors",
            "--random-weights")
        let random = try FilePath(folder + "/random.safetensors").contents()
        #expect(try random != FilePath(file).contents())
        try checkRefusedEmbeddings(folder, data: data, run: run)
        try checkPagesAndMaps(folder, data: data, run: run, embeddings: file)
    }

    private func checkRefusedEmbeddings(_ folder: String, data: String, run: String) throws {
        let embed = [
            "embed", "--run", run, "--data", data, "--out", folder + "/none.safetensors",
        ]
        for (flags, message) in [
            (["--random-weights", "--step", "1"], "--step would change nothing"),
            (["--scores"], "has no head of its own"),
        ] {
            let refused = try Programs.run(embed + flags)
            #expect(refused.code != 0 && refused.lines.contains { $0.contains(message) })
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/none.safetensors"))
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

    @Test func fineTunesARunWithAControlAndFewLabelsToTheSameNumbers() throws {
        let folder = try newFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (data, run) = try pretrain(in: folder)
        func evaluation(_ more: [String] = []) throws -> String {
            let result = try Programs.run(
                [
                    "evaluate", "--run", run, "--data", data, "--centre-crop", "--protocols",
                    "linear,finetune", "--set", "steps=4", "--set", "checkpoint.everySteps=2",
                    "--set", "validation.everySteps=2", "--label-fractions", "0.1,1", "--json",
                ] + more)
            try #require(result.code == 0, "\(result.lines)")
            return try #require(result.lines.first { $0.hasPrefix("{") })
        }
        let first = try evaluation()
        // What is finished is only measured again; workers train to the same bits.
        #expect(try evaluation(["--threads", "2"]) == first)
        #expect(
            try evaluation(["--finetune-run", folder + "/tuned", "--workers", "2"]) == first)
        // A best step that was not kept is trained again, and has the same bits.
        let often = ["--set", "validation.everySteps=1"]
        let kept = try evaluation(
            often + ["--set", "checkpoint.everySteps=1", "--finetune-run", folder + "/kept"])
        let dropped = try evaluation(
            often + ["--set", "checkpoint.everySteps=4", "--finetune-run", folder + "/dropped"])
        #expect(dropped == kept)
        let runs = try FileManager.default.contentsOfDirectory(atPath: folder + "/dropped")
        #expect(runs.contains { $0.contains("-to-step-") }, "\(runs)")
        let result = try JSONValue(parsing: first.utf8)
        let random = result["controls"]?["random"]
        for model in [result, random] {
            #expect(model?["finetune"]?["test"]?["auroc_macro"]?.doubleValue != nil)
            let points = model?["label_efficiency"]?["finetune"]?.arrayValue
            #expect(points?.count == 2)
            #expect(
                points?[1]["auroc_macro"]?["values"]?.arrayValue?.first
                    == model?["finetune"]?["test"]?["auroc_macro"])
            #expect(model?["label_efficiency"]?["linear"]?.arrayValue?.count == 2)
        }
        #expect(result["finetune"]?["state_sha256"] != random?["finetune"]?["state_sha256"])
        #expect(random?["encoder_less_control"]?["finetune_auroc_macro"] != nil)

        // Other settings in the same folder are refused by name.
        let other = try Programs.run([
            "evaluate", "--run", run, "--data", data, "--protocols", "finetune", "--centre-crop",
            "--set", "steps=5", "--no-controls",
        ])
        #expect(other.code == 3 && other.lines.contains { $0.contains("steps") })

        // A fine-tuned run has its own head.
        let lines = try purkinje(
            "evaluate", "--run", run + "/finetune/pretrained", "--data", data, "--centre-crop",
            "--protocols", "linear", "--no-controls", "--json")
        let own = try JSONValue(parsing: (lines.first { $0.hasPrefix("{") } ?? "").utf8)
        #expect(own["method"] == "finetune" && own["finetune"]?["step"] == 4)
        #expect(own["linear"]?["test"]?["auroc_macro"]?.doubleValue != nil)
    }
}
