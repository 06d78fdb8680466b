import Electrocardiography
import NeuralNetworks
import Pretraining
import Runtime

/// How much each patch of a window weighs in the mean over an encoder's tokens, as attention hands it on from block to block.
///
/// Going back from the mean, each block hands half of a token's weight on to the tokens that it looks at, heads counting
/// alike, and half stays, which stands for the residual. What happens within the feed-forward parts is left out, so
/// this shows where an encoder looks and not what it finds.
/// Source: Abnar and Zuidema, "Quantifying attention flow in transformers", 2020 (attention rollout).
public struct AttentionMap: Sendable {
    /// Each lead's patches: 1 is what each would weigh if all did alike; `nil` for leads that the encoder does not see.
    public let weights: [[Double]?]
    /// The part of all weight that lies on tokens which are no patches of leads: separators, clinical tokens, channels.
    public let outsideShare: Double
    /// Where the first patch begins in the window.
    public let startSeconds: Double
    /// Length of a patch.
    public let patchSeconds: Double

    /// Goes back through blocks.
    ///
    /// - Parameters:
    ///   - blocks: From the first to the last; one sequence.
    ///   - places: Where its tokens stand.
    ///   - startSeconds: Where the first patch begins in the window.
    ///   - patchSeconds: Length of a patch.
    init(
        blocks: [AttentionWeights], places: TokenPlaces, startSeconds: Double, patchSeconds: Double
    ) {
        let tokens = places.leads.count * places.columns
        let patchCount = places.leads.count * places.patches.count
        var weights = (0..<tokens).map {
            places.patches.contains($0 % places.columns) ? 1 / Double(patchCount) : 0
        }
        for block in blocks.reversed() {
            let handed = block.propagated(weights)
            for token in weights.indices { weights[token] = (weights[token] + handed[token]) / 2 }
        }
        var byLead: [[Double]?] = Array(repeating: nil, count: Lead.allCases.count)
        let seen = places.leads.count { $0 != nil } * places.patches.count
        var inside = 0.0
        for (row, lead) in places.leads.enumerated() {
            guard let lead else { continue }
            let own = places.patches.map { weights[row * places.columns + $0] }
            inside += own.reduce(0, +)
            byLead[lead] = own.map { $0 * Double(seen) }
        }
        self.weights = byLead.map { $0?.map { $0 / inside } }
        outsideShare = 1 - inside
        (self.startSeconds, self.patchSeconds) = (startSeconds, patchSeconds)
    }

    /// The weights by lead.
    public var json: JSONValue {
        [
            "outside_share": .number(outsideShare), "start_s": .number(startSeconds),
            "patch_s": .number(patchSeconds),
            "weights": .object(
                Dictionary(
                    uniqueKeysWithValues: zip(Lead.allCases, weights).map { lead, values in
                        (lead.name, values.map { .array($0.map { .number($0) }) } ?? .null)
                    })),
        ]
    }
}
