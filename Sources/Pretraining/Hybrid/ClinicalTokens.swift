import ClinicalParameters
import Configurations
import Kernels
import NeuralNetworks

/// Which numbers a lead's clinical token is made of: the lead's own 8, the record's 24, and a flag for each.
enum ClinicalTokens {
    static let leads = ClinicalFeatures.leads.count
    /// Numbers of a lead's own and of the record.
    static let features = ClinicalFeatures.perLeadCount + ClinicalFeatures.globalCount

    /// Numbers that a token is made of: each feature's, and its flag.
    static func inputs(segments: Int) -> Int { (segments + 1) * features }

    /// The place, in the vector of all features, of a token's feature.
    static func place(lead: Int, feature: Int) -> Int {
        let own = ClinicalFeatures.perLeadCount
        return feature < own
            ? ClinicalFeatures.globalCount + lead * own + feature : feature - own
    }
}

/// What the context of a step does without.
struct ClinicalDrops {
    /// Whether the whole clinical column is left out.
    let dropsColumn: Bool
    private let shard: Shard
    private let rate: Double

    /// Draws: the column once for the whole batch; in validation, whose units have draws of their own, no single
    /// features.
    ///
    /// - Parameters:
    ///   - shard: Whose features they are.
    ///   - column: How often the column is left out.
    ///   - feature: How often a single feature is.
    init(_ shard: Shard, column: Double, feature: Double) {
        let isTraining = shard.role == .training
        var random = RandomStream(
            seed: shard.seed, purpose: .dropout, step: shard.step,
            position: isTraining ? 0 : UInt32(shard.firstPosition))
        dropsColumn = random.nextDouble() < column
        rate = isTraining ? feature : 0
        self.shard = shard
    }

    /// The context's tokens, single features left out.
    func inputs(_ batch: ClinicalBatch, on tape: Tape) -> Value {
        guard rate > 0 else { return batch.inputs(on: tape) }
        var random = RandomStream(seed: shard.seed, purpose: .dropout)
        return batch.inputs(on: tape) { sample, feature in
            if feature == 0 {
                // Position 0 is the column's.
                random = RandomStream(
                    seed: shard.seed, purpose: .dropout, step: shard.step,
                    position: UInt32(shard.firstPosition + sample + 1))
            }
            return random.nextDouble() < rate
        }
    }
}
