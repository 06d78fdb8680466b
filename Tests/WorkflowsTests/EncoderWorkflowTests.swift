import Checkpoints
import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import Runs
import Runtime
import TestSupport
import Testing

@testable import Workflows

/// Embeddings, neighbours and explanations of a small encoder with random weights.
@Suite struct EncoderWorkflowTests {
    private let folder: TemporaryFolder
    private let data: FilePath
    private let encoder: TrainedEncoder
    private let labelled: LabelledData
    private let embedding = EmbeddingSettings(centreCropOnly: true, threads: 2)

    init() throws {
        folder = try TemporaryFolder()
        _ = try folder.records(60)
        data = folder.file("ecg.purkinje")
        _ = try PreparationRun(.init(sources: [folder.file("ecg")], output: data, threads: 2)).run()
        try folder.run().begin(smallConfiguration())
        encoder = try TrainedEncoder(run: folder.run().path)
        labelled = try LabelledData(data, rule: LabelRule(), for: encoder)
    }

    @Test func everyRecordHasARow() throws {
        let embeddings = try RecordEmbeddings(by: encoder, of: labelled.dataset, embedding)
        let file = folder.file("e.safetensors")
        let written = try embeddings.write(to: file)
        #expect(written.text == "\(file): 60 records, 32 numbers each, step 0")
        #expect(written.json["dimension"]?.integerValue == 32)
        let tensors = try SafetensorsFile(path: file)
        #expect(try tensors.tensor("embeddings").shape == [60, 32])
        #expect(try tensors.tensor("labels").shape == [60, LabelledRecords.classNames.count])
        #expect(tensors.metadata["data_sha256"] == "\(labelled.dataset.digest)")
        let lines = embeddings.table.split(separator: "\n")
        #expect(lines.count == 61 && lines[0].hasPrefix("record,fold,superclasses,e0,"))
        #expect(lines.allSatisfy { $0.split(separator: ",").count >= 34 })
        // The file can be placed in a plane.
        #expect(try LabelledVectors(file).groups.count == 60)
    }

    /// A run of step 0 has the weights that it began with, so both ways to them must agree.
    @Test func randomWeightsAreThoseBeforeTheFirstStep() throws {
        let random = try TrainedEncoder(
            withRandomWeightsOf: folder.run().path, dataset: labelled.dataset)
        #expect(random.step == 0 && random.stateDigest == nil)
        let (begun, drawn) = (folder.file("begun.safetensors"), folder.file("drawn.safetensors"))
        _ = try RecordEmbeddings(by: encoder, of: labelled.dataset, embedding).write(to: begun)
        _ = try RecordEmbeddings(by: random, of: labelled.dataset, embedding).write(to: drawn)
        let expected = try SafetensorsFile(path: begun).tensor("embeddings").doubles
        #expect(try SafetensorsFile(path: drawn).tensor("embeddings").doubles == expected)
        #expect(Set(expected).count > 60)
        #expect(throws: RunError.self) {
            try TrainedEncoder(
                withRandomWeightsOf: folder.file("nowhere"), dataset: labelled.dataset)
        }
    }

    @Test func theHeadSaysScoresOfEveryRecord() throws {
        let tuned = try smallConfiguration().finetuning(
            ["validation": ["everySteps": 5], "batchSize": 8, "logicalShards": 1, "steps": 10],
            overrides: [])
        let run = folder.run("tuned")
        try run.begin(tuned)
        let classifier = try TrainedEncoder(run: run.path)
        let file = folder.file("scored.safetensors")
        _ = try RecordEmbeddings(
            by: classifier, of: labelled.dataset, embedding, hasScores: true
        ).write(to: file)
        let tensors = try SafetensorsFile(path: file)
        let scores = try tensors.tensor("scores")
        #expect(scores.shape == [60, LabelledRecords.classNames.count])
        let expected = try classifier.probabilities(
            labelled.dataset.records(), of: labelled.dataset, embedding)
        #expect(scores.doubles == expected.values.map { Double(Float($0)) })
        #expect(scores.doubles.allSatisfy { (0...1).contains($0) })
        // What measures scores of other programs can read them.
        #expect(try FileMetrics(file).measured(seed: 1)["classification"] != nil)
        #expect(throws: EvaluationError.noHead(method: "st-mem")) {
            try RecordEmbeddings(
                by: encoder, of: labelled.dataset, embedding, hasScores: true)
        }
    }

    @Test func neighboursAreOthers() throws {
        let name = labelled.dataset.window(0).record.name
        let report = try NeighbourReport(
            .init(record: name, count: 3, distance: .euclidean, includesPatient: false),
            by: encoder, in: labelled, embedding)
        let found = report.result(run: "r", svg: nil)
        let neighbours = try #require(found.json["neighbours"]?.arrayValue)
        #expect(neighbours.count == 3)
        #expect(neighbours.allSatisfy { $0["record"]?.stringValue != name })
        #expect(found.json["run"] == "r" && found.json["svg"] == .null)
        #expect(found.text.split(separator: "\n").count == 5, "\(found.text)")
        #expect(try report.svg().contains("<svg"))
    }

    @Test func whatCannotBeExplainedIsRefused() throws {
        func explanation(
            _ record: String, window: Int = 0, kind: Explanation.Kind = .attention
        ) throws -> Explanation {
            try Explanation(
                .init(
                    kind: kind, record: record, window: window, className: nil, patchSeconds: 2.5),
                by: encoder, in: labelled, embedding)
        }
        let name = labelled.dataset.window(0).record.name
        let attention = try explanation(name)
        let json = attention.result(run: "r", svg: "a.svg").json
        #expect(json["attention"] != nil && json["occlusion"] == nil)
        #expect(json["svg"] == "a.svg" && json["window"]?.integerValue == 0)
        #expect(try attention.svg(showsNumbers: true).contains("<svg"))
        let error = #expect(throws: CommandError.self) { try explanation(name, window: 1) }
        #expect(error?.message.contains("--window 1: record \(name) has 1") == true)
        #expect(throws: EvaluationError.self) { try explanation("nobody") }
    }
}
