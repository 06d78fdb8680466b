import Configurations
import Foundation
import Kernels
import NeuralNetworks
import Pretraining
import Testing
import Training

/// Fixed-point sums against ordinary float sums, which exist here only.
struct ExactSumsTests {
    /// `PURKINJE_LONG_TESTS` runs the model of the configuration `tiny` instead of one that suits a quick suite.
    private static let isLong =
        ProcessInfo.processInfo.environment["PURKINJE_LONG_TESTS"] != nil

    private func configuration() throws -> Configuration {
        var overrides = ["batchSize=8", "logicalShards=8", "steps=500"]
        if !Self.isLong {
            overrides += [
                "encoder.width=16", "encoder.depth=1", "encoder.heads=2", "encoder.headWidth=8",
                "encoder.mlpWidth=32", "decoder.width=16", "decoder.depth=1", "decoder.heads=1",
                "decoder.headWidth=8", "decoder.mlpWidth=32",
            ]
        }
        return try Configuration(
            [
                "method": "st-mem", "validation": ["everySteps": 0],
                "optimizer": ["learningRate": 1e-3, "warmupSteps": 40, "beta2": 0.95],
            ], overrides: overrides)
    }

    @Test func lossCurvesOf500StepsStayTogether() throws {
        let configuration = try configuration()
        let windows = Array(0..<64)
        let exact = try TrainingReplica(
            configuration: configuration, source: SyntheticWindows(), trainingWindows: windows,
            validationWindows: [], threads: 2)
        let plain = FloatTrainer(configuration: configuration, windows: windows)
        var recomputed = 0
        var (worst, worstMean) = (0.0, 0.0)
        var (exactLosses, plainLosses): ([Double], [Double]) = ([], [])
        for step in 0..<configuration.steps {
            let outcome = try exact.runStep()
            exactLosses.append(outcome.report["loss"]?.doubleValue ?? .nan)
            plainLosses.append(try plain.step())
            recomputed += step >= 20 && outcome.recomputed ? 1 : 0
            worst = max(worst, abs(exactLosses[step] / plainLosses[step] - 1))
        }
        for start in stride(from: 0, to: configuration.steps, by: 20) {
            let means = [exactLosses, plainLosses].map { $0[start..<start + 20].reduce(0, +) / 20 }
            worstMean = max(worstMean, abs(means[0] / means[1] - 1))
        }
        print(
            "exact against float sums, 500 steps: largest difference \(worst), of means of 20 "
                + "\(worstMean), recomputed after step 20: \(recomputed)")
        #expect(worst < 0.01)
        #expect(recomputed < 5)
    }

    /// The same step with gradients summed as floats in shard order.
    private final class FloatTrainer: GradientSink {
        private let configuration: Configuration
        private let parameters: Parameters
        private let workspace: any ShardWorkspace
        private let tape: Tape
        private let sampler: Sampler
        private let schedule: LearningRateSchedule
        private var gradient: [[Float]]
        private var moments1: [[Float]]
        private var moments2: [[Float]]
        private var stepNumber: UInt64 = 0

        init(configuration: Configuration, windows: [Int]) {
            self.configuration = configuration
            let method = configuration.makeMethod()
            parameters = Parameters(method.parameters, seed: configuration.seed)
            workspace = method.makeWorkspace()
            tape = Tape(parameters: parameters)
            sampler = Sampler(windows: windows, seed: configuration.seed)
            schedule = LearningRateSchedule(
                shape: .cosineAfterWarmup, peak: configuration.optimizer.learningRate, minimum: 0,
                warmupSteps: configuration.optimizer.warmupSteps, steps: configuration.steps)
            gradient = parameters.specifications.map { Array(repeating: 0, count: $0.count) }
            (moments1, moments2) = (gradient, gradient)
        }

        func step() throws -> Double {
            for index in gradient.indices {
                for i in gradient[index].indices { gradient[index][i] = 0 }
            }
            var total = 0.0
            let size = configuration.shardSize
            for shard in 0..<configuration.logicalShards {
                let first = shard * size
                let samples = Shard(
                    seed: configuration.seed, step: stepNumber, firstPosition: first,
                    windows: (first..<first + size).map {
                        sampler.window(
                            at: stepNumber * UInt64(configuration.batchSize) + UInt64($0))
                    }, role: .training)
                tape.reset()
                let loss = tape.numbers(repeating: 0.0, count: 1)
                let value = try workspace.forward(
                    samples, from: SyntheticWindows(),
                    report: ShardReport([.loss], values: loss, auxiliary: loss.part(0..<0)),
                    on: tape)
                tape.backward(from: value, gradient: { $0[0] = 1 }, into: self)
                total += loss[0]
            }
            update()
            stepNumber += 1
            return total / Double(configuration.logicalShards)
        }

        private func update() {
            let constants = AdamWStep(
                number: stepNumber + 1, learningRate: schedule.rate(at: stepNumber),
                weightDecay: configuration.optimizer.weightDecay,
                beta1: configuration.optimizer.beta1, beta2: configuration.optimizer.beta2,
                epsilon: configuration.optimizer.epsilon)
            for (index, specification) in parameters.specifications.enumerated()
            where specification.isTrained {
                let values = parameters.tensor(index).floats
                guard let start = values.baseAddress else { continue }
                for i in values.indices {
                    gradient[index][i] /= Float(configuration.logicalShards)
                }
                constants.apply(
                    to: start, gradient: gradient[index], moment1: &moments1[index],
                    moment2: &moments2[index], count: values.count)
            }
        }

        func receive(gradient part: Numbers<Float>, of parameter: Int) {
            for i in part.indices { gradient[parameter][i] += part[i] }
        }
    }
}
