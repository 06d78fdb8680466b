import Configurations
import Foundation
import Kernels
import NeuralNetworks
import Runtime
import TestSupport
import Testing

@testable import Pretraining

/// The supervised S4 whole, from signals to the loss and back, against scripts/pytorch/supervised_s4.py, and what each
/// token sees.
struct SupervisedStateSpaceTests {
    private struct Case: Sendable {
        let readout: String
        let loss: Double
        let gradients: [(name: String, norm: Double)]
    }

    private static let mean = Case(
        readout: "mean", loss: 0.750708788,
        gradients: [
            ("weight", 0.10641767),
            ("bias", 0.13912101),
            ("s4_layers.0.D", 0.0033465667),
            ("s4_layers.0.kernel.kernel.C", 0.0025796526),
            ("s4_layers.0.output_linear.0.weight", 0.0075941114),
            ("s4_layers.0.output_linear.0.bias", 0.073772164),
            ("s4_layers.1.D", 0.0041440454),
            ("s4_layers.1.kernel.kernel.C", 0.0034000258),
            ("s4_layers.1.output_linear.0.weight", 0.00896618),
            ("s4_layers.1.output_linear.0.bias", 0.032622864),
            ("norms.0.weight", 0.028253247),
            ("norms.0.bias", 0.060823652),
            ("norms.1.weight", 0.055028343),
            ("norms.1.bias", 0.10000739),
            ("head.weight", 0.18732159),
            ("head.bias", 0.10618083),
        ])
    private static let attention = Case(
        readout: "attention", loss: 0.701242351,
        gradients: [
            ("weight", 0.0068419076),
            ("bias", 0.0086056301),
            ("s4_layers.0.D", 0.00025584626),
            ("s4_layers.0.kernel.kernel.C", 0.00019453298),
            ("s4_layers.0.output_linear.0.weight", 0.0004121571),
            ("s4_layers.0.output_linear.0.bias", 0.0045809144),
            ("s4_layers.1.D", 0.00029311136),
            ("s4_layers.1.kernel.kernel.C", 0.0002684765),
            ("s4_layers.1.output_linear.0.weight", 0.0005181384),
            ("s4_layers.1.output_linear.0.bias", 0.0018251398),
            ("norms.0.weight", 0.0014715733),
            ("norms.0.bias", 0.0033659695),
            ("norms.1.weight", 0.0037316874),
            ("norms.1.bias", 0.0081766827),
            ("head.weight", 0.15271094),
            ("head.pool.query", 0.0010056787),
            ("head.pool.q.weight", 0.00039709901),
            ("head.pool.k.weight", 0.0017292638),
            ("head.pool.v.weight", 0.071999308),
        ])

    private func method(_ changes: [String: JSONValue]) throws -> Finetune {
        var members: [String: JSONValue] = [
            "method": "finetune", "base": "ecg-cpc", "batchSize": 3, "logicalShards": 1,
            "input": ["cropSamples": 10],
            "head": ["dropout": 0, "standardise": false],
        ]
        members["encoder"] = [
            "stem": "linear", "bidirectional": true, "sampleRateHz": 250, "width": 8, "depth": 2,
            "state": 4, "length": 12, "chunk": 4, "dropout": 0,
        ]
        members.merge(changes) { $1 }
        return try #require(
            try Configuration(.object(members)).makeMethod() as? Finetune)
    }

    private func setByFormula(_ parameters: Parameters) {
        for (index, specification) in parameters.specifications.enumerated() {
            let values = parameters.tensor(index).floats
            let name = specification.name.replacing("encoder.", with: "")
            let isGain = name.hasPrefix("norms.") && name.hasSuffix("weight")
            for i in values.indices {
                if specification.isTrained {
                    let wave = 0.3 * sin(0.37 * Double(i) + 1.3 * Double(name.count))
                    values[i] = Float(wave + (isGain ? 1 : 0))
                } else if name.hasSuffix("log_dt") {
                    values[i] = Float(-2.5 + 0.3 * sin(0.37 * Double(i)))
                }
            }
        }
    }

    private final class Gradients: GradientSink {
        var norms: [Int: Double] = [:]
        func receive(gradient: Numbers<Float>, of parameter: Int) {
            norms[parameter] = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
    }

    @Test(arguments: [mean, attention])
    private func lossAndGradientsAreThoseOfPyTorch(of expected: Case) throws {
        let method = try method(["readout": .string(expected.readout)])
        let parameters = Parameters(method.parameters, seed: 0)
        setByFormula(parameters)
        let tape = Tape(parameters: parameters)
        tape.reset()
        let batch = FormulaBatch()
        let vectors = try method.vectors(
            of: batch.signals(on: tape), EncoderPass(batch.shard), from: NoWindows(), on: tape)
        let (value, loss) = tape.binaryCrossEntropy(
            logits: method.logits(vectors, of: batch.shard, on: tape),
            target: tape.numbers(batch.truths))
        #expect(abs(loss - expected.loss) < 2e-6)
        let gradients = Gradients()
        tape.backward(from: value, gradient: { $0[0] = 1 }, into: gradients)
        let trained = parameters.specifications.filter(\.isTrained).map(\.name)
        #expect(trained.count == expected.gradients.count)
        for (name, norm) in expected.gradients {
            let index = try #require(
                trained.first { $0.replacing("encoder.", with: "") == name }.flatMap {
                    parameters.index(of: $0)
                }, "no \(name)")
            #expect(abs((gradients.norms[index] ?? 0) - norm) < 1e-3 * norm + 1e-7, "\(name)")
        }
        withExtendedLifetime(tape) {}
    }

    /// Where the last layer's tokens change when one sample of the signal does.
    @Test(arguments: [false, true]) func aTokenSeesTheOtherSideInBothDirectionsOnly(both: Bool)
        throws
    {
        let method = try method([
            "encoder": [
                "stem": "linear", "bidirectional": .boolean(both), "sampleRateHz": 250,
                "width": 8, "depth": 2,
            ], "input": ["cropSamples": 40],
        ])
        let parameters = Parameters(method.parameters, seed: 1)
        let tape = Tape(parameters: parameters)
        defer { withExtendedLifetime(tape) {} }
        let shard = Shard(seed: 0, step: 0, firstPosition: 0, windows: [0], role: .validation)
        func tokens(changing place: Int?) throws -> [Float] {
            tape.reset(recordsGradients: false)
            let signals = tape.input(rows: 12, columns: 40)
            for i in 0..<signals.count { signals.numbers[i] = Float(sin(0.3 * Double(i))) }
            if let place { signals[3, place] += 1 }
            let layers = try method.encoder.layerTokens(
                signals, EncoderPass(shard), from: NoWindows(), on: tape)
            guard case .channels(let value) = layers[1] else { return [] }
            return value.array
        }
        let (before, after) = (try tokens(changing: nil), try tokens(changing: 20))
        #expect(before.count == 8 * 40)
        for time in 0..<40 {
            let changes = (0..<8).contains { before[$0 * 40 + time] != after[$0 * 40 + time] }
            #expect(changes == (both || time >= 20), "token \(time)")
        }
    }

    /// Published: 2,149,381 at 512 channels and five classes.
    @Test func hasThePublishedSize() throws {
        let path = FilePath(
            "\(Fixtures.packageFolder)/cluster/configurations/supervised-s4-base.json")
        let configuration = try Configuration(path: path)
        let counts = configuration.makeMethod().parameters.specifications.filter(\.isTrained)
            .map(\.count)
        #expect(counts.reduce(0, +) == 2_149_381)
        #expect(configuration.input.cropSamples == 625)
    }

    /// Crops of 2.5 s, one after another, whatever the rate of the windows.
    @Test(arguments: [
        (250.0, 625, 2500, [0, 625, 1250, 1875]), (500, 1250, 5000, [0, 1250, 2500, 3750]),
        (100, 250, 1000, [0, 250, 500, 750]), (250, 625, 1300, [0, 625]), (250, 625, 625, [0]),
    ])
    func allCropsOfAWindowAreLookedAt(rate: Double, crop: Int, window: Int, starts: [Int]) throws {
        for base: [String: JSONValue] in [
            ["stem": "linear", "bidirectional": true, "sampleRateHz": 100, "width": 8],
            ["width": 8],
        ] {
            let method = try method([
                "encoder": .object(base),
                "input": ["cropSamples": .integer(Int64(crop)), "sampleRateHz": .number(rate)],
            ])
            #expect(method.classifier.cropStarts(windowSamples: window) == starts)
        }
    }

    private struct NoWindows: WindowSource {
        var samplesPerWindow: Int { 10 }
        func facts(of window: Int) -> WindowFacts {
            WindowFacts(record: "\(window)", patient: window, superclasses: [], fold: nil)
        }
        func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {}
    }
}
