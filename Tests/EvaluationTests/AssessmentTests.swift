import ClinicalParameters
import Configurations
import Electrocardiography
import LinearAlgebra
import NeuralNetworks
import Pretraining
import Runtime
import TestSupport
import Testing

@testable import Evaluation

@Suite struct AssessmentTests {
    private func records() throws -> (LabelledRecords, PreparedDataset) {
        let dataset = try SyntheticRecords.records().dataset
        return (
            try LabelledRecords(
                dataset, externalSet: nil, folds: SyntheticRecords.folds(), rule: LabelRule()),
            dataset
        )
    }

    @Test func cropsAreAveraged() throws {
        let (records, dataset) = try records()
        let configuration = try SyntheticRecords.configuration()
        let encoder = try TrainedEncoder(
            withRandomWeightsOf: configuration, dataset: dataset, trainingRecords: records.training)
        let record = records.test[0]
        let mean = try encoder.embed([record], of: dataset, EmbeddingSettings(readout: .mean))
        let method = configuration.makeMethod()
        let workspace = try #require(method.embedding).makeWorkspace()
        let tape = Tape(parameters: Parameters(method.parameters, seed: configuration.seed))
        var expected = Array(repeating: 0.0, count: 32)
        for start in [0, 125, 250] {
            tape.reset(recordsGradients: false)
            let vector = try workspace.embed(
                window: record.windows[0], start: start, readout: .mean, from: dataset, on: tape)
            for i in expected.indices { expected[i] += Double(vector.numbers[i]) / 3 }
        }
        withExtendedLifetime(tape) {}
        expect(mean.values, expected, within: 1e-12)
        let centre = try encoder.embed(
            [record], of: dataset, EmbeddingSettings(readout: .mean, centreCropOnly: true))
        #expect(mean != centre)
    }

    @Test func parametersOfAnotherVersionAreRefusedByName() throws {
        let records = try SyntheticRecords.records()
        let dataset = try SyntheticRecords.prepare(
            records.folder + "/ecg", to: records.folder + "/three.purkinje",
            features: WindowFeatures(count: 3, version: "other") { { _, _ in [1, 2, 3] } })
        let error = #expect(throws: UnfitDataset.self) {
            try Assessment(
                on: dataset, externalSet: nil, folds: SyntheticRecords.folds(),
                settings: AssessmentSettings(protocols: [.linear]))
        }
        #expect(
            error?.description.contains(
                "holds 3 clinical parameters of a window, of other, not the 88")
                == true)
        let hybrid = try SyntheticRecords.configuration("hybrid")
        let refusal = #expect(throws: UnfitDataset.self) {
            try TrainedEncoder(withRandomWeightsOf: hybrid, dataset: dataset, trainingRecords: [])
        }
        #expect(refusal?.description.contains("prepare it again: hybrid takes them, too") == true)
    }

    /// As many numbers of another version mean something else.
    @Test func asManyParametersOfAnotherVersionAreRefused() throws {
        let records = try SyntheticRecords.records()
        let dataset = try SyntheticRecords.prepare(
            records.folder + "/ecg", to: records.folder + "/former.purkinje",
            features: WindowFeatures(count: ClinicalFeatures.count, version: "clinical-1") {
                { _, _ in Array(repeating: 1, count: ClinicalFeatures.count) }
            })
        #expect(dataset.clinicalFeatureVersion == "clinical-1")
        let hybrid = try SyntheticRecords.configuration("hybrid")
        let refusal = #expect(throws: UnfitDataset.self) {
            try TrainedEncoder(withRandomWeightsOf: hybrid, dataset: dataset, trainingRecords: [])
        }
        #expect(refusal?.description.contains("of clinical-1, not the 88 of") == true)
    }

    @Test func theTestFoldDecidesNothing() throws {
        let (records, dataset) = try records()
        let features = try FeatureSplits(of: records, in: dataset, externalSet: nil) {
            records, dataset in try PlainFeatures.statistics(records, of: dataset)
        }
        var random = SeededRandom(seed: 3)
        let noise = Matrix(
            rows: features.test.rows, columns: features.dimension,
            values: features.test.values.map { _ in Double.random(in: -1e3...1e3, using: &random) })
        let scrambled = FeatureSplits(
            training: features.training, validation: features.validation, test: noise,
            external: nil)
        let (a, b) = (
            try LinearProbe(features, of: records, kind: .multiLabel, seed: 0),
            try LinearProbe(scrambled, of: records, kind: .multiLabel, seed: 0)
        )
        #expect(a.strength == b.strength && a.validationAUROC == b.validationAUROC)
        #expect(a.test.summary.json["thresholds"] == b.test.summary.json["thresholds"])
        #expect(a.test.summary.json["auroc_macro"] != b.test.summary.json["auroc_macro"])
    }

    @Test func everyControlStandsBesideAnEncoderAndNothingDepends() throws {
        let (_, dataset) = try records()
        func run(threads: Int) throws -> JSONValue {
            let assessment = try Assessment(
                on: dataset, externalSet: nil, folds: SyntheticRecords.folds(),
                settings: AssessmentSettings(
                    protocols: [.linear, .knn, .clusters, .parameters],
                    embedding: EmbeddingSettings(centreCropOnly: true, threads: threads)))
            let configuration = try SyntheticRecords.configuration()
            let random = try TrainedEncoder(
                withRandomWeightsOf: configuration, dataset: dataset,
                trainingRecords: assessment.records.training)
            let encoder = try assessment.assess(
                random, name: "encoder", progress: { _, _, _ in })
            let controls = try assessment.controls(
                of: random, assessed: encoder, progress: { _, _, _ in })
            #expect(
                controls.map(\.name) == [
                    "random", "with_parameters", "statistics", "parameters",
                    "parameters_in_segments", "age_and_sex",
                ])
            let (both, plain) = (controls[1].results, controls[4].results)
            #expect(both.dimension == encoder.results.dimension + plain.dimension)
            #expect(both.linear != nil && both.neighbours == nil && both.clusters == nil)
            // The encoder with random weights is its own control.
            let differences = PairedComparison(encoder.results, less: controls[0].results)
                .differences
            #expect(differences.allSatisfy { $0.difference?.difference == 0 })
            let all = [encoder] + controls
            return JSONValue.array(all.map { $0.results.summary.json })
        }
        let (first, second) = (try run(threads: 1), try run(threads: 2))
        #expect(first.text() == second.text())
        let encoder = try #require(first.arrayValue?.first)
        for key in ["auroc_macro", "f1_macro", "f1_macro_at_half", "average_precision_macro"] {
            #expect(encoder["linear"]?["test"]?[key]?.doubleValue != nil, "\(key)")
        }
        #expect(encoder["knn"]?["test"]?["f1_weighted"]?.doubleValue != nil)
        #expect(encoder["clusters"]?["test"]?["adjusted_rand"]?.doubleValue != nil)
        let readings = encoder["parameters"]?["test"]?.objectValue
        #expect(readings?.count == dataset.clinicalFeatureCount)
    }

    @Test func clustersAtEqualDimensionSeeTheTrainingRecordsAlone() throws {
        let (records, dataset) = try records()
        let features = try FeatureSplits(of: records, in: dataset, externalSet: nil) {
            records, dataset in try PlainFeatures.statistics(records, of: dataset)
        }
        let found = try ClusterProtocol(features, of: records, dimension: 4, seed: 0)
        #expect(found.whole.dimension == 120 && found.reduced?.dimension == 4)
        #expect(found.summary.json["equal_dimension"]?["dimension"] == 4)
        #expect(
            found.summary.json["test"]?["davies_bouldin"]?.doubleValue
                == found.whole.classes.daviesBouldin)
        // Units of the numbers are standardised away.
        let scaled = features.mapped { matrix in
            matrix.shifted(
                by: Array(repeating: 3, count: 120), scaledBy: (0..<120).map { 0x1p10 + Double($0) }
            )
        }
        let other = try ClusterProtocol(scaled, of: records, dimension: 4, seed: 0)
        expect(
            [other.reduced?.classes.silhouette], [found.reduced?.classes.silhouette], within: 1e-6)
        #expect(other.whole.classes.silhouette != found.whole.classes.silhouette)
        // All components of standardised numbers are those numbers, turned.
        let whole = try ClusterProtocol(features, of: records, dimension: 120, seed: 0)
        let scale = Standardisation(fittedTo: features.training)
        let standardised = try ClusterProtocol(
            features.mapped(scale.callAsFunction), of: records, seed: 0)
        expect(
            [whole.reduced?.classes.daviesBouldin], [standardised.whole.classes.daviesBouldin],
            within: 1e-6)
        // Two numbers stay two.
        let plain = try FeatureSplits(
            of: records, in: dataset, externalSet: nil,
            features: { records, _ in PlainFeatures.ageAndSex(records) })
        #expect(
            try ClusterProtocol(plain.filled(), of: records, seed: 0).reduced?.dimension ?? 9 <= 3)
    }

    @Test func encodersHaveMapsWhereSomebodyLooks() throws {
        let (_, dataset) = try records()
        let configuration = try SyntheticRecords.configuration()
        func model(_ map: MapSettings?) throws -> EvaluatedModel {
            try Assessment(
                on: dataset, externalSet: nil, folds: SyntheticRecords.folds(),
                settings: AssessmentSettings(
                    protocols: [.clusters], embedding: EmbeddingSettings(centreCropOnly: true),
                    map: map)
            ).assessRandomWeights(of: configuration, name: "random", progress: { _, _, _ in })
        }
        #expect(try model(nil).map == nil)
        let map = try #require(try model(MapSettings()).map)
        #expect(map.components.rows == map.rows.count && map.rows.count > 10)
    }

    @Test func parametersAreReadOutWhereFeaturesHaveThem() throws {
        let (records, dataset) = try records()
        let targets = try FeatureSplits(of: records, in: dataset, externalSet: nil) {
            PlainFeatures.clinicalParameters($0, of: $1) ?? Matrix(rows: 0, columns: 0)
        }
        let readings = try ParameterProtocol(
            targets.filled(), targets: targets, names: PlainFeatures.clinicalNames, seed: 0
        ).readings
        let rate = try #require(readings.first { $0.name == "heart_rate_per_minute" })
        #expect((rate.rSquared ?? 0) > 0.95, "\(rate)")
    }

    @Test func whatIsNotMeasuredIsFilledFromTrainingAndFlagged() {
        let fill = MissingValues(
            fittedTo: Matrix(rows: 3, columns: 2, values: [1, 5, .nan, 6, 3, 7]))
        let filled = fill(Matrix(rows: 1, columns: 2, values: [.nan, .nan]))
        #expect(filled.values == [2, 6, 1])
    }
}
