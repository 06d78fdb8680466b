import Configurations
import Electrocardiography
import LinearAlgebra
import NeuralNetworks
import Pretraining
import Runtime
import Testing
import Training

@testable import Evaluation

/// What a fine-tuned head and fewer labels give, on the records on which everything else is measured.
@Suite struct FinetuneEvaluationTests {
    private func assessment(fractions: [Double] = []) throws -> Assessment {
        try Assessment(
            on: SyntheticRecords.records().dataset, externalSet: nil,
            folds: SyntheticRecords.folds(),
            settings: AssessmentSettings(
                protocols: [.linear],
                embedding: EmbeddingSettings(centreCropOnly: true, threads: 2), seed: 6,
                labelFractions: fractions, labelDraws: 3))
    }

    private func tuning(_ overrides: [String] = []) throws -> Configuration {
        try SyntheticRecords.configuration().finetuning(
            ["validation": ["everySteps": 1], "batchSize": 16, "logicalShards": 2, "steps": 4],
            overrides: overrides)
    }

    @Test func theHeadIsMeasuredAsInTheValidationOfTraining() throws {
        let assessment = try assessment()
        let replica = try TrainingReplica(
            configuration: tuning(), dataset: assessment.dataset, threads: 2)
        // Measured before the step, with random weights.
        let line = try replica.runStep().report
        let head = try assessment.head(
            of: TrainedEncoder(
                withRandomWeightsOf: tuning(), dataset: assessment.dataset,
                trainingRecords: assessment.records.training), name: "head",
            progress: { _, _, _ in })
        let expected = try #require(line["validation_auroc_macro"]?.doubleValue)
        // Equal logits may come from probabilities that round to the same number, and the other way round.
        #expect(abs(head.validationAUROC - expected) < 1e-3)
        #expect(head.summary.json["test"]?["auroc_macro_interval"] != nil)
        #expect(
            head.summary.json["test"]?["records"]?.integerValue == assessment.records.test.count)
    }

    /// Of a network that is trained on 2.5 s, what is averaged over the four crops of a record is what the head says.
    @Test(arguments: ["strided", "linear"]) func probabilitiesAreThoseOfAllCrops(stem: String)
        throws
    {
        let assessment = try assessment()
        let configuration = try Configuration([
            "method": "finetune", "base": "ecg-cpc", "batchSize": 16, "logicalShards": 2,
            "input": ["cropSamples": 625], "readout": "attention",
            "encoder": ["stem": .string(stem), "width": 12, "depth": 1],
        ])
        let encoder = try TrainedEncoder(
            withRandomWeightsOf: configuration, dataset: assessment.dataset,
            trainingRecords: assessment.records.training)
        let few = Array(assessment.records.validation[..<3])
        let found = try encoder.probabilities(
            few, of: assessment.dataset, EmbeddingSettings(threads: 1))
        let method = try #require(configuration.makeMethod() as? any Classifies)
        let tape = Tape(parameters: Parameters(method.parameters, seed: configuration.seed))
        let workspace = method.classifier.makeWorkspace()
        for (row, record) in few.enumerated() {
            try #require(record.windows.count == 1)
            var sums = Array(repeating: 0.0, count: found.columns)
            for start in [0, 625, 1250, 1875] {
                tape.reset(recordsGradients: false)
                let crop = try workspace.embed(
                    window: record.windows[0], start: start, readout: .method,
                    from: assessment.dataset, on: tape)
                for (column, value) in crop.array.enumerated() { sums[column] += Double(value) }
            }
            for column in sums.indices {
                #expect(abs(sums[column] / 4 - found[row, column]) < 1e-6)
            }
        }
        withExtendedLifetime(tape) {}
    }

    @Test func anEncoderWithoutAHeadIsRefusedByName() throws {
        let assessment = try assessment()
        let plain = try TrainedEncoder(
            withRandomWeightsOf: SyntheticRecords.configuration(), dataset: assessment.dataset,
            trainingRecords: assessment.records.training)
        #expect(!plain.isClassifier)
        #expect(throws: EvaluationError.noHead(method: "st-mem")) {
            try assessment.head(of: plain, name: "plain", progress: { _, _, _ in })
        }
    }

    @Test func probeAndFineTuningGetTheSameFewLabels() throws {
        let (records, dataset) = (try assessment().records, try assessment().dataset)
        for fraction in [0.02, 0.2, 1] {
            let rows = records.trainingRows(fraction: fraction, seed: 6, in: dataset)
            let method = try #require(
                try tuning(["labels.fraction=\(fraction)", "labels.seed=6"]).makeMethod()
                    as? any ChoosesWindows)
            let windows = (0..<dataset.windowCount).filter {
                ![9, 10].contains(dataset.facts(of: $0).fold)
            }
            let used = try method.usable(windows, of: dataset, for: .training, seed: 1)
            #expect(rows.flatMap { records.training[$0].windows } == used)
            #expect(!rows.isEmpty && (fraction == 1) == (rows.count == records.training.count))
        }
    }

    @Test func fewerLabelsAreDrawnSeveralTimesAndAllOnce() throws {
        let assessment = try assessment(fractions: [0.05, 1])
        let control = try #require(
            assessment.plainControls(progress: { _, _, _ in }).first { $0.name == "statistics" })
        let points = try #require(control.results.labelEfficiency?.linear)
        #expect(points.map(\.records.count) == [3, 1])
        #expect(points[0].records.allSatisfy { $0 < 20 })
        let whole = try #require(control.results.linear?.test)
        #expect(points[1].auroc == [try #require(whole.macroAUROC(counting: whole.scored.once))])
        #expect(points[0].auroc.allSatisfy { $0 > 0 && $0 < 1 })
        #expect(Set(points[0].auroc).count == 3)
        let json = try #require(
            control.results.summary.json["label_efficiency"]?["linear"]?.arrayValue)
        #expect(json[1]["auroc_macro"]?["deviation"] == .null)
        #expect(json[0]["auroc_macro"]?["deviation"]?.doubleValue ?? 0 > 0)
        #expect(ResultTable.labelEfficiency([control]).count == 3)
    }
}
