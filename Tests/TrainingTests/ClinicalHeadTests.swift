import ClinicalParameters
import Configurations
import NeuralNetworks
import Runtime
import Tensors
import TestSupport
import Testing
import Training

@testable import Pretraining

/// Telling clinical parameters beside a contrastive loss.
struct ClinicalHeadTests {
    private let source = SyntheticWindows(samplesPerWindow: 600, seed: 5)
    private let windows = Array(0..<8)

    private func method(weight: Double, segments: Int = 1) throws -> ECGCPC {
        let configuration = try Configuration([
            "method": "ecg-cpc", "batchSize": 8, "logicalShards": 1, "horizon": 3,
            "input": ["cropSamples": 300],
            "encoder": ["width": 8, "depth": 1, "dropout": 0],
            "clinical": weight > 0
                ? ["weight": .number(weight), "segments": .integer(Int64(segments))] : [:],
        ])
        return try #require(configuration.makeMethod() as? ECGCPC)
    }

    private func shard(_ role: Shard.Role) -> Shard {
        Shard(seed: 0, step: 0, firstPosition: 0, windows: windows, role: role)
    }

    /// A head that says nothing is as far from each measured parameter as that is from the median: the loss is known from the
    /// statistics alone.
    @Test func lossOfAHeadThatSaysNothing() throws {
        let method = try method(weight: 3)
        let parameters = Parameters(method.parameters, seed: 0)
        let training = Array(0..<40)
        try method.complete(parameters, from: source, windows: training)
        let map = try #require(parameters.index(of: "head_clinical.weight"))
        parameters.values(of: map).update(repeating: 0)

        let statistics = FeatureStatistics(windows: training.map(features))
        var terms: [Double] = []
        for window in windows {
            let (values, flags) = statistics.normalised(features(window))
            for (value, flag) in zip(values, flags) where flag == 0 {
                let distance = abs(Double(value))
                terms.append(distance < 1 ? distance * distance / 2 : distance - 0.5)
            }
        }
        let expected = terms.reduce(0, +) / Double(terms.count)
        let report = try report(method, parameters)
        #expect(abs(report.told - expected) < 1e-5)
        #expect(abs(report.loss - (report.contrast + 3 * expected)) < 1e-4)
    }

    /// The same with each parameter told as its way through segments.
    @Test func segmentsOfAHeadThatSaysNothing() throws {
        let method = try method(weight: 3, segments: 4)
        let parameters = Parameters(method.parameters, seed: 0)
        let training = Array(0..<40)
        try method.complete(parameters, from: source, windows: training)
        let map = try #require(parameters.index(of: "head_clinical.weight"))
        #expect(parameters[map].shape[0] == 4 * ClinicalFeatures.count)
        parameters.values(of: map).update(repeating: 0)

        let statistics = FeatureStatistics(windows: training.map(features))
        let encoding = PiecewiseEncoding(
            segments: 4, windows: training.map(features), statistics: statistics)
        var terms: [Double] = []
        for window in windows {
            let (values, flags) = statistics.normalised(features(window))
            for feature in values.indices where flags[feature] == 0 {
                terms += encoding.code(values[feature], of: feature).map { Double($0 * $0) / 2 }
            }
        }
        let expected = terms.reduce(0, +) / Double(terms.count)
        let told = try report(method, parameters).told
        #expect(expected > 0.1 && abs(told - expected) < 1e-5)
    }

    /// The method's own vector is what the head tells; validation, which takes running statistics as well, finds it as far
    /// from what was measured.
    @Test func theOwnVectorIsWhatTheHeadTells() throws {
        let method = try method(weight: 1, segments: 2)
        let parameters = Parameters(method.parameters, seed: 0)
        try method.complete(parameters, from: source, windows: Array(0..<40))
        let embedding = try #require(method.embedding)
        #expect(embedding.dimension(of: .method) == 2 * ClinicalFeatures.count)

        let statistics = FeatureStatistics(windows: (0..<40).map(features))
        let encoding = PiecewiseEncoding(
            segments: 2, windows: (0..<40).map(features), statistics: statistics)
        let tape = Tape(parameters: parameters)
        var terms: [Double] = []
        for window in windows {
            tape.reset(recordsGradients: false)
            let told = try embedding.makeWorkspace().embed(
                window: window, start: 150, readout: .method, from: source, on: tape)
            let (values, flags) = statistics.normalised(features(window))
            for feature in values.indices where flags[feature] == 0 {
                for (place, code) in encoding.code(values[feature], of: feature).enumerated() {
                    let distance = abs(Double(told[0, 2 * feature + place] - code))
                    terms.append(distance < 1 ? distance * distance / 2 : distance - 0.5)
                }
            }
        }
        let expected = terms.reduce(0, +) / Double(terms.count)
        let told = try report(method, parameters, role: .validation).told
        #expect(abs(told - expected) < 1e-4)
    }

    private func features(_ window: Int) -> [Float] {
        var numbers = Array(repeating: Float(0), count: ClinicalFeatures.count)
        var span = numbers.mutableSpan
        source.clinicalFeatures(of: window, into: &span)
        return numbers
    }

    /// The contrastive loss is the same beside it, and the encoder's weights begin alike.
    @Test func contrastIsAsWithoutIt() throws {
        let with = try method(weight: 2)
        let without = try method(weight: 0)
        let names = { (method: ECGCPC) in Set(method.parameters.specifications.map(\.name)) }
        let added = names(with).subtracting(names(without))
        #expect(!added.isEmpty && added.allSatisfy { $0.hasPrefix("head_clinical") })
        #expect(with.needsClinicalFeatures && !without.needsClinicalFeatures)
        #expect(with.embedding?.encoder.needsClinicalFeatures == false)
        #expect(!without.metrics.contains { $0.key == "auxiliary_loss" })
        #expect(with.embedding?.dimension(of: .method) == ClinicalFeatures.count)
        #expect(without.embedding?.dimension(of: .method) == 8)

        let parameters = Parameters(with.parameters, seed: 0)
        try with.complete(parameters, from: source, windows: windows)
        let found = try report(with, parameters)
        let plain = try report(without, Parameters(without.parameters, seed: 0))
        #expect(abs(found.contrast - plain.loss) < 1e-9)
    }

    private func report(
        _ method: ECGCPC, _ parameters: Parameters, role: Shard.Role = .training
    ) throws -> (loss: Double, contrast: Double, told: Double) {
        let tape = Tape(parameters: parameters)
        tape.reset(recordsGradients: false)
        let report = ShardReport(
            method.metrics, values: tape.numbers(repeating: 0.0, count: method.metrics.count),
            auxiliary: tape.numbers(repeating: 0.0, count: 0))
        let value = try method.makeWorkspace().forward(
            shard(role), from: source, report: report, on: tape)
        let told = method.needsClinicalFeatures ? report[Metric("auxiliary_loss")] : 0
        let loss = report[.loss]
        #expect(abs(Double(value.numbers[0]) - loss) < 1e-4 * max(1, loss))
        return (loss, loss - method.settings.clinicalWeight * told, told)
    }

    @Test func aSetWithoutParametersIsRefusedByTheState() throws {
        let method = try method(weight: 1)
        let parameters = Parameters(method.parameters, seed: 0)
        let bare = SyntheticWindows(samplesPerWindow: 600, hasClinicalFeatures: false)
        try method.complete(parameters, from: bare, windows: windows)
        #expect(throws: ClinicalStatisticsError.self) { _ = try report(method, parameters) }
    }

    @Test func tokensAreCutIntoPiecesOfABeat() {
        #expect(LayerShape.pieces(times: 1_200, tokenRateHz: 120) == 8)
        #expect(LayerShape.pieces(times: 300, tokenRateHz: 120) == 2)
        #expect(LayerShape.pieces(times: 1_193, tokenRateHz: 120) == 1)
        #expect(LayerShape.pieces(times: 20, tokenRateHz: 120) == 1)
    }
}
