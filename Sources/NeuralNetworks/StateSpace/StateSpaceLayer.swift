import Kernels

/// A layer of state spaces, one a channel, with a gated map over channels, its residual and a normalisation (S4 with
/// HiPPO-LegS).
///
/// Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces", 2022. Here the systems'
/// matrices and time steps stay as they are drawn, and only what is read from the states is trained.
public struct StateSpaceLayer: Sendable {
    /// Sizes of a layer.
    public struct Sizes: Sendable, Equatable {
        /// Channels.
        public let width: Int
        /// Numbers of a channel's state; even.
        public let state: Int
        /// The length that stored weights are for, in tokens; signals may have any length.
        public let length: Int
        /// Tokens that are computed by one product.
        public let chunk: Int
        /// Whether a token sees what comes after it.
        public let isBidirectional: Bool

        /// Sizes by name.
        public init(
            width: Int, state: Int = 8, length: Int, chunk: Int = 24, isBidirectional: Bool = false
        ) {
            self.width = width
            self.state = state
            self.length = length
            self.chunk = chunk
            self.isBidirectional = isBidirectional
        }

        var directions: Int { isBidirectional ? 2 : 1 }
    }

    private let sizes: Sizes
    private let logSteps: Int
    private let w: Int
    private let b: Int
    private let p: Int
    private let q: Int
    private let output: Int
    private let skip: Int
    private let mixing: Int
    private let mixingBias: Int
    private let cache = StateSpaceTableCache()

    /// Time steps of the channels are drawn evenly between these on the logarithmic scale.
    private static let steps = 0.001...0.1

    /// Adds the parameters under their official names: `NAME.D`, `NAME.kernel.kernel.C`, the frozen `.log_dt`, `.w`,
    /// `.B`, `.P` and `.Q` beside it, and `NAME.output_linear.0.weight` and `.bias`.
    public init(_ name: String, _ sizes: Sizes, in parameters: inout ParameterList) {
        precondition(sizes.state >= 2 && sizes.state.isMultiple(of: 2), "a state is of pairs")
        precondition(sizes.length > 0 && sizes.chunk > 0, "chunks and lengths are positive")
        self.sizes = sizes
        let (width, pairs) = (sizes.width, sizes.state / 2)
        let kernel = "\(name).kernel.kernel"
        let memory = LegendreMemory(order: sizes.state)
        func table(
            _ pair: @escaping @Sendable (Int) -> (re: Double, im: Double)
        ) -> Initialiser {
            .values {
                let channel = (0..<pairs).flatMap { [Float(pair($0).re), Float(pair($0).im)] }
                return (0..<width).flatMap { _ in channel }
            }
        }
        let shape = [1, width, pairs, 2]
        let (low, high) = (
            ElementaryFunctions.logarithm(Self.steps.lowerBound),
            ElementaryFunctions.logarithm(Self.steps.upperBound)
        )
        logSteps = parameters.add(
            "\(kernel).log_dt", shape: [width], .uniform(low...high), isTrained: false)
        w = parameters.add(
            "\(kernel).w", shape: [width, pairs, 2],
            table { (-0.5, memory.frequencies[$0]) }, isTrained: false)
        b = parameters.add(
            "\(kernel).B", shape: shape, table { (memory.input[$0], 0) }, isTrained: false)
        // sqrt(n + 1/2) is sqrt(2n + 1) / sqrt(2).
        let half = table { (memory.input[$0] / 2.0.squareRoot(), 0) }
        p = parameters.add("\(kernel).P", shape: shape, half, isTrained: false)
        q = parameters.add("\(kernel).Q", shape: shape, half, isTrained: false)
        let tables = [logSteps, w, b, p, q]
        output = parameters.add(
            "\(kernel).C", shape: [sizes.directions, width, pairs, 2],
            .drawn { random, others in
                Self.drawOutput(
                    Self.constants(pairs: pairs, tables.map(others)), sizes: sizes, from: &random)
            })
        skip = parameters.add("\(name).D", shape: [1, width], .normal(deviation: 1))
        let bound = 1 / Double(width).squareRoot()
        mixing = parameters.add(
            "\(name).output_linear.0.weight", shape: [2 * width, width], .uniform(-bound...bound))
        mixingBias = parameters.add(
            "\(name).output_linear.0.bias", shape: [2 * width, 1], .uniform(-bound...bound))
    }

    private static func constants(pairs: Int, _ tables: [[Float]]) -> StateSpaceConstants {
        StateSpaceConstants(
            pairs: pairs, logSteps: tables[0], w: tables[1], b: tables[2], p: tables[3],
            q: tables[4])
    }

    /// Complex normal numbers, as they are stored for a length.
    private static func drawOutput(
        _ constants: StateSpaceConstants, sizes: Sizes, from random: inout RandomStream
    ) -> [Float] {
        var numbers: [Float] = []
        for _ in 0..<sizes.directions {
            for channel in 0..<sizes.width {
                let drawn = (0..<sizes.state).map { _ in
                    random.nextNormal() * 0.5.squareRoot()
                }
                numbers += StateSpaceSystem(constants, channel: channel)
                    .stored(drawn, length: sizes.length).map { Float($0) }
            }
        }
        return numbers
    }

    /// The tables of the constants in a tape's parameters.
    private func tables(on tape: Tape) -> StateSpaceTables {
        let indices = [logSteps, w, b, p, q]
        let parameters = tape.parameters
        return cache.tables(
            matching: { known in
                let tables = [known.logSteps, known.w, known.b, known.p, known.q]
                return zip(indices, tables).allSatisfy { index, table in
                    let values = parameters.values(of: index)
                    for i in table.indices where values[i] != table[i] { return false }
                    return true
                }
            },
            making: {
                StateSpaceTables(
                    Self.constants(
                        pairs: sizes.state / 2, indices.map { parameters.tensor($0).floatArray }),
                    chunk: sizes.chunk, length: sizes.length, directions: sizes.directions)
            })
    }

    /// The state spaces, GELU and the map over channels: what the gate still lacks.
    ///
    /// - Parameters:
    ///   - x: Shape `[width, samples * time]`.
    ///   - samples: Independent signals, one after another.
    ///   - factors: Of a dropout after GELU, shape `[samples, width]`; ones when left out.
    ///   - tape: Where the computation is recorded.
    /// - Returns: What is gated, then its gates, shape `[2 * width, samples * time]`.
    public func callAsFunction(
        _ x: Value, samples: Int, factors: Value? = nil, on tape: Tape
    ) -> Value {
        let y = tape.stateSpace(
            x, samples: samples, output: tape.parameter(output), skip: tape.parameter(skip),
            tables: tables(on: tape), factors: factors)
        return tape.channelProduct(
            y, weight: tape.parameter(mixing), bias: tape.parameter(mixingBias))
    }
}
