import Configurations
import Kernels
import NeuralNetworks
import Runtime

/// The bottleneck of both methods: vectors are projected to few numbers, replaced by codes, and projected back.
struct VectorQuantiser: Sendable {
    /// What vectors became.
    struct Outcome {
        /// The quantised vectors, projected back: shape `[rows, width]`.
        let value: Value
        /// What is added to the loss; none while nothing is quantised.
        let loss: Value?
        /// The same in double.
        let penalty: Double
        /// Deviations of the projected vectors' numbers over the shard: their mean and the least.
        let deviation: (mean: Double, least: Double)
    }

    private enum Kind: Sendable {
        case codebook(CodebookState)
        case finiteScalar(FiniteScalarQuantisation, hits: Int)
    }

    private let settings: QuantiserConfiguration
    private let projection: Linear
    private let expansion: Linear
    private let kind: Kind

    /// Adds the quantiser's parameters and state.
    ///
    /// - Parameters:
    ///   - settings: How vectors become codes.
    ///   - width: Numbers of a vector.
    ///   - vectorsPerBatch: Vectors of all shards.
    ///   - logicalShards: Their number.
    ///   - list: Receives the parameters.
    init(
        _ settings: QuantiserConfiguration, width: Int, vectorsPerBatch: Int, logicalShards: Int,
        in list: inout ParameterList
    ) {
        self.settings = settings
        projection = Linear(
            "vq.project_in", inputs: width, outputs: settings.dimension, in: &list)
        switch settings.codes {
        case .codebook(let codebook):
            kind = .codebook(
                CodebookState(
                    codebook, warmupSteps: settings.warmupSteps, vectorsPerBatch: vectorsPerBatch,
                    logicalShards: logicalShards, in: &list))
        case .finiteScalar(let levels):
            kind = .finiteScalar(
                FiniteScalarQuantisation(levels: levels),
                hits: list.addStatistic("vq.hits", shape: [settings.codeCount]))
        }
        expansion = Linear(
            "vq.project_out", inputs: settings.dimension, outputs: width, in: &list)
    }

    // MARK: A shard

    /// Quantises a shard's vectors.
    ///
    /// - Parameters:
    ///   - x: Shape `[rows, width]`.
    ///   - shard: Whose they are.
    ///   - auxiliary: Receives what `update` and `validationReport` need.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The quantised vectors and what belongs to them.
    func quantise(
        _ x: Value, of shard: Shard, auxiliary: Numbers<Double>, on tape: Tape
    ) -> Outcome {
        let z = projection(x, on: tape)
        switch kind {
        case .codebook(let state):
            let vectors = state.settings.lookup == .cosine ? tape.l2Normalised(z) : z
            return quantise(vectors, by: state, of: shard, auxiliary: auxiliary, on: tape)
        case .finiteScalar(let quantisation, let hits):
            let deviation = deviations(of: z, on: tape)
            // Validation has no step of its own, and looks at what will be used.
            guard shard.role == .validation || shard.step >= settings.warmupSteps else {
                return Outcome(
                    value: expansion(z, on: tape), loss: nil, penalty: 0, deviation: deviation)
            }
            let (rounded, chosen) = tape.roundedToLevels(z, quantisation)
            count(chosen, hits: hits, shard: shard, auxiliary: auxiliary, on: tape)
            Auxiliary(auxiliary).set(.vectors, Double(z.rows))
            return Outcome(
                value: expansion(rounded, on: tape), loss: nil, penalty: 0, deviation: deviation)
        }
    }

    /// What is left of vectors, as a trained model has it: projected, replaced by their codes where there are any, and
    /// projected back.
    func replaced(_ x: Value, on tape: Tape) -> Value {
        let z = projection(x, on: tape)
        switch kind {
        case .codebook(let state):
            let vectors = state.settings.lookup == .cosine ? tape.l2Normalised(z) : z
            guard state.hasStarted(on: tape) else { return expansion(vectors, on: tape) }
            let codebook = tape.parameter(state.codebook)
            let quantised = tape.quantised(
                vectors, codebook: codebook,
                chosen: nearest(vectors, codebook, by: state.settings.lookup, on: tape),
                rotates: state.settings.gradient == .rotation)
            return expansion(quantised, on: tape)
        case .finiteScalar(let quantisation, _):
            return expansion(tape.roundedToLevels(z, quantisation).value, on: tape)
        }
    }

    private func nearest(
        _ z: Value, _ codebook: Value, by lookup: CodeLookup, on tape: Tape
    ) -> Numbers<Int32> {
        let chosen = tape.numbers(z.rows, of: Int32.self)
        lookup.nearest(to: z, among: codebook, into: chosen)
        return chosen
    }

    private func quantise(
        _ z: Value, by state: CodebookState, of shard: Shard,
        auxiliary: Numbers<Double>, on tape: Tape
    ) -> Outcome {
        let deviation = deviations(of: z, on: tape)
        if shard.role == .training {
            state.note(
                z, of: shard,
                into: auxiliary.part(Auxiliary.count..<auxiliary.count))
        }
        guard state.hasStarted(on: tape) else {
            return Outcome(
                value: expansion(z, on: tape), loss: nil, penalty: 0, deviation: deviation)
        }
        let codebook = tape.parameter(state.codebook)
        let chosen = nearest(z, codebook, by: state.settings.lookup, on: tape)
        count(chosen, hits: state.hits, shard: shard, auxiliary: auxiliary, on: tape)
        if let sums = tape.statistic(state.hitSums) {
            for r in 0..<z.rows {
                let start = Int(chosen[r]) * z.columns
                add(z.row(r), into: sums.part(start..<start + z.columns))
            }
        }
        let (loss, penalty) = penalty(
            z, codebook: codebook, chosen: chosen, by: state.settings,
            auxiliary: Auxiliary(auxiliary), on: tape)
        let quantised = tape.quantised(
            z, codebook: codebook, chosen: chosen, rotates: state.settings.gradient == .rotation)
        return Outcome(
            value: expansion(quantised, on: tape), loss: loss, penalty: penalty,
            deviation: deviation)
    }

    /// Commitment and entropy, weighted; what they are made of goes into the auxiliary numbers.
    private func penalty(
        _ z: Value, codebook: Value, chosen: Numbers<Int32>,
        by settings: QuantiserConfiguration.Codebook, auxiliary: Auxiliary, on tape: Tape
    ) -> (loss: Value, penalty: Double) {
        var distances = 0.0
        for r in 0..<z.rows {
            distances += Double(squaredDistance(z.row(r), codebook.row(Int(chosen[r]))))
                .squareRoot()
        }
        let (commitment, error) = tape.codeLoss(
            z, codebook: codebook, chosen: chosen, commitment: Float(settings.commitment),
            codes: 0)
        auxiliary.set(.vectors, Double(z.rows))
        auxiliary.set(.distances, distances)
        auxiliary.set(.squares, error * Double(z.rows))
        guard settings.entropyWeight > 0 else { return (commitment, settings.commitment * error) }
        let entropy = tape.assignmentEntropy(
            z, codebook: codebook, temperature: Float(settings.entropyTemperature))
        auxiliary.set(.entropyPerVector, entropy.perVector * Double(z.rows))
        auxiliary.set(.entropyOfMean, entropy.ofMean * Double(z.rows))
        return (
            tape.total(commitment, entropy.value, weight: Float(settings.entropyWeight)),
            settings.commitment * error
                + settings.entropyWeight * (entropy.perVector - entropy.ofMean)
        )
    }

    /// Adds a shard's choices to the step's hits, or a validation batch's to its auxiliary numbers.
    private func count(
        _ chosen: Numbers<Int32>, hits: Int, shard: Shard, auxiliary: Numbers<Double>,
        on tape: Tape
    ) {
        if shard.role == .validation {
            for code in chosen { auxiliary[Auxiliary.count + Int(code)] += 1 }
        } else if let counts = tape.statistic(hits) {
            for code in chosen { counts[Int(code)] += 1 }
        }
    }

    private func deviations(of z: Value, on tape: Tape) -> (mean: Double, least: Double) {
        tape.rewinding {
            let means = tape.numbers(repeating: 0.0, count: z.columns)
            let squares = tape.numbers(repeating: 0.0, count: z.columns)
            for r in 0..<z.rows {
                let row = z.row(r)
                for j in row.indices { means[j] += Double(row[j]) }
            }
            for j in means.indices { means[j] /= Double(z.rows) }
            for r in 0..<z.rows {
                let row = z.row(r)
                for j in row.indices {
                    let deviation = Double(row[j]) - means[j]
                    squares[j] += deviation * deviation
                }
            }
            var (total, least) = (0.0, Double.infinity)
            for square in squares {
                let deviation = (square / Double(z.rows)).squareRoot()
                total += deviation
                least = min(least, deviation)
            }
            return (total / Double(z.columns), least)
        }
    }

    // MARK: Reports

    /// What a shard says of its codes, each number a sum over its vectors; after it come candidates (training) or hits
    /// (validation).
    private struct Auxiliary {
        enum Place: Int {
            case vectors
            case distances
            case squares
            case entropyPerVector
            case entropyOfMean
        }

        static let count = 5
        private let numbers: Numbers<Double>

        init(_ numbers: Numbers<Double>) { self.numbers = numbers }

        func set(_ place: Place, _ value: Double) { numbers[place.rawValue] = value }

        /// Means over all vectors of all shards; `null` where nothing was quantised, or not measured.
        static func entries(
            _ auxiliary: [[Double]], _ settings: QuantiserConfiguration
        ) -> [String: JSONValue] {
            func total(_ place: Place) -> Double { auxiliary.reduce(0) { $0 + $1[place.rawValue] } }
            let vectors = total(.vectors)
            guard case .codebook(let codebook) = settings.codes else { return [:] }
            func mean(_ place: Place, isMeasured: Bool = true) -> JSONValue {
                vectors > 0 && isMeasured ? .measured(total(place) / vectors) : .null
            }
            let hasEntropy = codebook.entropyWeight > 0
            return [
                "quantisation_error": mean(.distances), "commitment_loss": mean(.squares),
                "entropy_per_vector": mean(.entropyPerVector, isMeasured: hasEntropy),
                "entropy_of_mean": mean(.entropyOfMean, isMeasured: hasEntropy),
            ]
        }
    }

    /// Auxiliary numbers of a training shard.
    var auxiliaryPerShard: Int {
        switch kind {
        case .codebook(let state):
            Auxiliary.count + state.settings.candidatesPerShard * state.settings.dimension
        case .finiteScalar: Auxiliary.count
        }
    }

    /// Auxiliary numbers of a validation batch.
    var auxiliaryPerValidationBatch: Int { Auxiliary.count + settings.codeCount }

    /// Moves codes on by one step.
    ///
    /// - Returns: The entry `codebook` of the step's line.
    func update(_ context: UpdateContext) -> [String: JSONValue] {
        let (hits, restarts): (Int, Int)
        switch kind {
        case .codebook(let state):
            (hits, restarts) = (
                state.hits,
                state.update(context) { context.auxiliary[$0][Auxiliary.count...] }
            )
        case .finiteScalar(_, let counts): (hits, restarts) = (counts, 0)
        }
        let shards = Double(context.logicalShards)
        let use = CodeUse(hits: context.statistic(hits).map { (Double($0) * shards).rounded() })
        var entries = use.entries
        entries["restarts"] = .integer(Int64(restarts))
        entries.merge(Auxiliary.entries(context.auxiliary, settings)) { first, _ in first }
        return ["codebook": .object(entries)]
    }

    /// The entry of a validation line.
    func validationReport(auxiliary: [[Double]]) -> [String: JSONValue] {
        var use = CodeUse(codes: settings.codeCount)
        for batch in auxiliary { use.add(batch[Auxiliary.count...]) }
        var entries = use.entries
        entries["codes"] = .integer(Int64(settings.codeCount))
        entries["vectors"] = .integer(Int64(use.total))
        entries["histogram"] = .array(use.hits.map { .integer(Int64($0)) })
        entries.merge(Auxiliary.entries(auxiliary, settings)) { first, _ in first }
        return ["codebook": .object(entries)]
    }
}
