import ClinicalParameters
import Configurations
import Electrocardiography
import Evaluation
import EvaluationSchema
import Foundation
import Reporting
import Runtime
import Testing
import Workflows

/// Evaluations and comparisons as they are written, of very small encoders on synthetic records.
@Suite struct RunComparisonTests {
    private static let folder =
        FileManager.default.temporaryDirectory.path + "/workflows-\(getpid())-\(UUID())"

    private static let prepared = Result {
        _ = try SyntheticDataset(recordCount: 240, seed: 4).write(
            to: FilePath(folder + "/ecg"), threads: 2)
        let options = DatasetPreparation.Options(
            sources: [FilePath(folder + "/ecg")], output: FilePath(folder + "/ecg.purkinje"),
            threads: 2, features: ClinicalFeatures.ofWindows)
        _ = try DatasetPreparation(options).run(shouldStop: { false }, progress: { _ in })
        return try PreparedDataset(path: FilePath(folder + "/ecg.purkinje"))
    }

    private static func configuration(_ method: String, seed: Int) throws -> Configuration {
        try Configuration([
            "method": .string(method), "seed": .integer(Int64(seed)), "batchSize": 8,
            "logicalShards": 1,
            "encoder": ["width": 32, "depth": 1, "heads": 1, "headWidth": 32],
        ])
    }

    private static func encoder(_ seed: Int, of assessment: Assessment) throws -> TrainedEncoder {
        try TrainedEncoder(
            withRandomWeightsOf: try configuration("st-mem", seed: seed),
            dataset: assessment.dataset,
            trainingRecords: assessment.records.training)
    }

    private static func assessment(_ protocols: Set<EvaluationProtocol>) throws -> Assessment {
        try Assessment(
            on: prepared.get(), externalSet: nil, folds: configuration("st-mem", seed: 1).data,
            settings: AssessmentSettings(
                protocols: protocols, embedding: EmbeddingSettings(centreCropOnly: true),
                map: MapSettings(perplexity: 5)))
    }

    /// What a document has of its text when it is read and written again.
    private static func again(_ document: EvaluationDocument) throws -> String {
        let text = document.json.text()
        return try EvaluationDocument(try JSONValue(parsing: text.utf8), file: "x").json.text()
    }

    @Test func aComparisonNamesEveryKindOfDrawnEncoder() throws {
        let assessment = try Self.assessment([.knn, .clusters])
        let encoders = try [1, 2, 1].enumerated().map { number, seed in
            (name: "runs/\(number)", encoder: try Self.encoder(seed, of: assessment))
        }
        let comparison = try RunComparison(of: encoders, on: assessment) { _, _, _ in }
        #expect(comparison.models.map(\.name) == ["runs/0", "runs/1", "runs/2"])
        #expect(
            Array(comparison.controls.map(\.name).prefix(2))
                == ["random st-mem 1", "random st-mem 2"])
        let document = EvaluationDocument.comparison(comparison.summary(hasMaps: true))
        #expect(try Self.again(document) == document.json.text())
        #expect(document.runs.map(\.run) == ["runs/0", "runs/1", "runs/2"])
        #expect(document.runs.allSatisfy { $0.map != nil && $0.results.firstRunLessThis != nil })
        // The first and the third are the same encoder.
        let same = document.runs[2].results.firstRunLessThis?[.neighbourAUROC] ?? nil
        #expect(same?.difference == 0)
        #expect(comparison.summary(hasMaps: false).runs.allSatisfy { $0.map == nil })
        #expect(comparison.tables.count == 4)
    }

    @Test func anEvaluationSaysWhatTheEncoderAddsToParameters() throws {
        let assessment = try Self.assessment([.linear])
        let encoder = try Self.encoder(1, of: assessment)
        let model = try assessment.assess(
            encoder, name: EvaluationDocument.encoderName
        ) { _, _, _ in }
        let controls = try assessment.controls(of: encoder, assessed: model) { _, _, _ in }
        let evaluation = Evaluation(
            of: "runs/first", encoder: encoder, model: model, controls: controls,
            on: assessment, hasMap: false)
        let document = EvaluationDocument.evaluation(evaluation)
        #expect(try Self.again(document) == document.json.text())
        #expect(document.json["schema"] == 1 && document.json["run"] == "runs/first")
        let known = Set(evaluation.controls.keys.map { Control(rawValue: $0) })
        #expect(known == Set(Control.allCases).subtracting([.signalAlone]))
        for (name, control) in evaluation.controls {
            #expect(control.encoderLessControl?[.linearAUROC] != nil, "\(name)")
            #expect((control.thisLessParameters != nil) == (name == "with_parameters"), "\(name)")
        }
        let pictures = ModelPictures(model, records: assessment.records.test)
        #expect(pictures.name == "encoder" && pictures.maps.count == 2)
        #expect(!pictures.curves.isEmpty)
        // Classification, subgroups and differences.
        #expect(ResultTable.evaluation(model, controls: controls).count == 3)
        #expect(ResultTable.evaluation(model, controls: []).count == 2)
    }
}
