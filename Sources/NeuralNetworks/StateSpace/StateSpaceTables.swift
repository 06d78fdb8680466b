import Synchronization
import Tensors

/// What a layer of state spaces keeps beside its weights, one system a channel.
struct StateSpaceConstants: Sendable, Equatable {
    /// Pairs of conjugate states, of which one is written.
    let pairs: Int
    /// Logarithms of the time steps, one a channel.
    let logSteps: [Float]
    /// Eigenvalues of the normal part, real and imaginary parts, shape `[channels, pairs, 2]`.
    let w: [Float]
    /// What the input adds, likewise.
    let b: [Float]
    /// Left vector of the part of rank 1, likewise.
    let p: [Float]
    /// Right vector of the part of rank 1, likewise.
    let q: [Float]
}

/// Everything about a layer's systems that its weights do not change, made once in double and rounded once.
///
/// The tables take the stored C~ as it lies in memory: the factor `(I - A^length)^-1`, the pairs' order and their signs
/// are in them. With a chunk of Q tokens, a channel has:
/// - for each stored number of C~ a row of `(1 + order) * Q` numbers: what it adds to the kernel's first Q taps, then to
///   the map from the state before a chunk to the chunk's tokens, `[order, Q]`;
/// - the same once more for the kernel that looks ahead, where there is one;
/// - the map from a chunk to what it adds to the next state, `[directions * order, Q]`, and the same transposed;
/// - what a state becomes over a chunk, column by column and row by row.
final class StateSpaceTables: Sendable {
    let constants: StateSpaceConstants
    let chunk: Int
    let directions: Int
    let order: Int
    private let storage: TensorStorage
    private let numbersPerChannel: Int

    /// Numbers of the rows that C~ is multiplied by.
    var rowCount: Int { (1 + order) * chunk }

    /// Makes the tables.
    ///
    /// - Parameters:
    ///   - constants: The systems.
    ///   - chunk: Tokens of a chunk.
    ///   - length: The length that C~ was stored for, in tokens.
    ///   - directions: 1 where a token sees what came before it, 2 where it sees all.
    init(_ constants: StateSpaceConstants, chunk: Int, length: Int, directions: Int) {
        self.constants = constants
        self.chunk = chunk
        self.directions = directions
        order = 2 * constants.pairs
        numbersPerChannel =
            directions * (order * (1 + order) * chunk + 2 * order * chunk) + 2 * order * order
        let channels = constants.logSteps.count
        storage = TensorStorage(byteCount: channels * numbersPerChannel * 4)
        for channel in 0..<channels { fill(channel, length: length) }
    }

    private func start(_ channel: Int) -> UnsafeMutablePointer<Float> {
        guard let bytes = storage.bytes.baseAddress else { preconditionFailure("no channels") }
        return bytes.assumingMemoryBound(to: Float.self) + channel * numbersPerChannel
    }

    /// The rows that C~ is multiplied by, shape `[order, rowCount]`.
    func rows(_ channel: Int, direction: Int) -> UnsafePointer<Float> {
        UnsafePointer(start(channel) + direction * order * rowCount)
    }

    /// The map from a chunk to what it adds to the states, shape `[directions * order, chunk]`.
    func increments(_ channel: Int) -> UnsafePointer<Float> {
        UnsafePointer(start(channel) + directions * order * rowCount)
    }

    /// The same transposed, shape `[chunk, directions * order]`.
    func transposedIncrements(_ channel: Int) -> UnsafePointer<Float> {
        increments(channel) + directions * order * chunk
    }

    /// What a state becomes over a chunk, column by column, or the transposed map.
    func transition(_ channel: Int, isTransposed: Bool) -> UnsafePointer<Float> {
        let first = transposedIncrements(channel) + directions * order * chunk
        return first + (isTransposed ? order * order : 0)
    }

    private func fill(_ channel: Int, length: Int) {
        let system = StateSpaceSystem(constants, channel: channel)
        // Powers 0...chunk of the transition, and the states that a single 1 leaves after 0..<chunk tokens.
        var powers = [SquareMatrix.identity(order)]
        var states = [system.input]
        for _ in 0..<chunk {
            powers.append(system.transition * powers[powers.count - 1])
            states.append(system.transition * states[states.count - 1])
        }
        let inverse = system.truncation(length: length).solving(.identity(order))
        let stored = SquareMatrix(order: order) { row, column in
            StateSpaceSystem.outputFactor(row) * inverse[system.place(ofStored: row), column]
        }
        var place = start(channel)
        func append(_ value: Double) {
            place.pointee = Float(value)
            place += 1
        }
        let taps = states.map { stored * $0 }
        let maps = powers.map { stored * $0 }
        for direction in 0..<directions {
            for row in 0..<order {
                for i in 0..<chunk { append(taps[i][row]) }
                for state in 0..<order {
                    for i in 0..<chunk {
                        append(maps[direction == 0 ? i + 1 : chunk - 1 - i][row, state])
                    }
                }
            }
        }
        for direction in 0..<directions {
            for state in 0..<order {
                for j in 0..<chunk { append(states[direction == 0 ? chunk - 1 - j : j][state]) }
            }
        }
        for j in 0..<chunk {
            for direction in 0..<directions {
                for state in 0..<order { append(states[direction == 0 ? chunk - 1 - j : j][state]) }
            }
        }
        let whole = powers[chunk]
        for i in 0..<order * order { append(whole[i % order, i / order]) }
        for i in 0..<order * order { append(whole[i / order, i % order]) }
    }
}

/// A layer's tables, made when they are first asked for and again where the constants are others.
///
/// Nothing that was given out is taken back, so tapes may keep addresses: a layer sees as many sets of constants as there are
/// states that it computes with.
final class StateSpaceTableCache: Sendable {
    private let made = Mutex<[StateSpaceTables]>([])

    /// The tables of constants that are given as they lie in a state.
    func tables(
        matching isSame: (StateSpaceConstants) -> Bool, making make: () -> StateSpaceTables
    ) -> StateSpaceTables {
        made.withLock { made in
            if let found = made.first(where: { isSame($0.constants) }) { return found }
            let tables = make()
            made.append(tables)
            return tables
        }
    }
}
