import Configurations
import Kernels
import NeuralNetworks

/// Which branches of a transformer's blocks are dropped for which sample.
///
/// The rate grows evenly from 0 in the first block to the full rate in the last; kept branches are divided by the
/// probability of being kept. A handle into a tape's arena: it is valid until the tape is reset.
struct DropPath: BitwiseCopyable {
    private let samples: Int
    private let rate: Double
    private let depth: Int
    /// Shape `[depth, 2, samples]`.
    private let factors: Numbers<Float>

    /// Draws for each sample from a stream of its own.
    ///
    /// - Parameters:
    ///   - rate: Of the last block.
    ///   - depth: Blocks.
    ///   - samples: Samples; a sequence that is attended alone counts as one.
    ///   - tape: Whose arena keeps the factors.
    ///   - stream: The stream of a sample.
    init(
        rate: Double, depth: Int, samples: Int, on tape: Tape, stream: (Int) -> RandomStream
    ) {
        self.samples = samples
        self.rate = rate
        self.depth = depth
        factors = tape.numbers(depth * 2 * samples, of: Float.self)
        for sample in 0..<samples {
            var random = stream(sample)
            for block in 0..<depth {
                let dropped = Self.rate(rate, block: block, depth: depth)
                for branch in 0..<2 {
                    factors[(2 * block + branch) * samples + sample] =
                        random.nextDouble() < dropped ? 0 : Float(1 / (1 - dropped))
                }
            }
        }
    }

    private static func rate(_ rate: Double, block: Int, depth: Int) -> Double {
        depth > 1 ? rate * Double(block) / Double(depth - 1) : 0
    }

    /// The factors of a block's branches; `nil` where the block drops none.
    func factors(ofBlock block: Int) -> BranchFactors? {
        guard Self.rate(rate, block: block, depth: depth) > 0 else { return nil }
        let start = 2 * block * samples
        return BranchFactors(
            attention: factors.part(start..<start + samples),
            feedForward: factors.part(start + samples..<start + 2 * samples))
    }
}

/// The branches that a step's three networks drop; none where left out.
struct ECGJEPADrops: BitwiseCopyable {
    var context: DropPath?
    var target: DropPath?
    var predictor: DropPath?

    /// Drops nothing.
    init() {}

    /// Draws for a training shard: each sample has streams for the context, the target and each lead of the predictor.
    init(
        _ shard: Shard, settings: ECGJEPAConfiguration, leads: Int, on tape: Tape
    ) {
        guard shard.role == .training, settings.dropPath > 0 else { return }
        func draw(_ depth: Int, perSample: Int, first: Int) -> DropPath {
            DropPath(
                rate: settings.dropPath, depth: depth, samples: shard.windows.count * perSample,
                on: tape
            ) { group in
                let position = shard.firstPosition + group / perSample
                return RandomStream(
                    seed: shard.seed, purpose: .dropPath, step: shard.step,
                    position: UInt32(position * (leads + 2) + first + group % perSample))
            }
        }
        context = draw(settings.encoder.depth, perSample: 1, first: 0)
        if settings.teacherDropPath {
            target = draw(settings.encoder.depth, perSample: 1, first: 1)
        }
        predictor = draw(settings.predictor.depth, perSample: leads, first: 2)
    }
}
