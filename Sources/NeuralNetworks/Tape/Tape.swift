import Kernels
import Tensors

/// Receives the gradient of a parameter as soon as the backward pass has finished it.
public protocol GradientSink: AnyObject {
    /// Takes a whole gradient; the numbers are reused once the call returns.
    func receive(gradient: Numbers<Float>, of parameter: Int)
}

/// Records operations as they run and goes back over them for the gradients (reverse mode).
///
/// A tape belongs to one thread. Results live in its arena until `reset()`; gradients of intermediate results
/// live only until their operation has been gone back over, and their memory serves the next of the same size.
public final class Tape {
    /// Memory for results.
    let arena: Arena
    private let gradientArena: Arena
    private var records: [(type: any Operation.Type, address: UnsafeRawPointer)] = []
    private var gradients: [UnsafeMutablePointer<Float>?] = []
    private var free: [(count: Int, data: UnsafeMutablePointer<Float>)] = []
    /// The model's parameters.
    public let parameters: Parameters
    private var uses: [Int]
    private weak var sink: (any GradientSink)?
    private var recordsGradients = true
    /// Told of every attention's weights as they are computed.
    public var attentionObserver: ((AttentionWeights) -> Void)?

    /// A tape over a model's parameters.
    public init(parameters: Parameters) {
        self.parameters = parameters
        arena = Arena()
        gradientArena = Arena()
        uses = Array(repeating: 0, count: parameters.count)
    }

    /// Memory that the tape holds, in bytes.
    public var capacityBytes: Int { arena.capacityBytes + gradientArena.capacityBytes }

    /// Forgets every result; values from before are invalid.
    ///
    /// - Parameter recordsGradients: Whether the computation to come will be gone back over. Where not, nothing
    ///   is recorded.
    public func reset(recordsGradients: Bool = true) {
        self.recordsGradients = recordsGradients
        arena.reset()
        gradientArena.reset()
        records.removeAll(keepingCapacity: true)
        free.removeAll(keepingCapacity: true)
        gradients.removeAll(keepingCapacity: true)
        for index in uses.indices {
            uses[index] = 0
            gradients.append(nil)
        }
    }

    // MARK: Forward

    /// A matrix with undefined content for an operation's result.
    public func result(rows: Int, columns: Int, wantsGradient: Bool = true) -> Value {
        let data = arena.floats(rows * columns)
        guard wantsGradient, recordsGradients else {
            return Value(data: data, rows: rows, columns: columns, slot: -1)
        }
        gradients.append(nil)
        return Value(data: data, rows: rows, columns: columns, slot: gradients.count - 1)
    }

    /// A matrix that is given and not differentiated, with undefined content at first.
    public func input(rows: Int, columns: Int) -> Value {
        result(rows: rows, columns: columns, wantsGradient: false)
    }

    /// A parameter as a matrix; its last axis becomes the columns.
    ///
    /// Each use is counted.
    public func parameter(_ index: Int) -> Value {
        let specification = parameters[index]
        let columns = specification.shape.last ?? 1
        let isTrained = recordsGradients && specification.isTrained
        if isTrained { uses[index] += 1 }
        return Value(
            data: parameters.values(of: index).startAddress, rows: specification.count / columns,
            columns: columns, slot: isTrained ? index : -1)
    }

    /// Where this shard's part of a statistic goes, zeros at first.
    ///
    /// - Returns: `nil` where nothing is recorded, and so nothing is summed.
    public func statistic(_ index: Int) -> Numbers<Float>? {
        precondition(
            parameters[index].role == .statistic, "\(parameters[index].name) is no statistic")
        guard recordsGradients else { return nil }
        let count = parameters[index].count
        if let data = gradients[index] {
            return Numbers(startAddress: data, count: count)
        }
        let data = gradientBuffer(count)
        data.update(repeating: 0, count: count)
        gradients[index] = data
        return Numbers(startAddress: data, count: count)
    }

    /// Keeps an operation for the backward pass.
    public func record<Recorded: Operation>(_ operation: Recorded) {
        guard recordsGradients else { return }
        let address = arena.bytes(MemoryLayout<Recorded>.size)
        address.storeBytes(of: operation, as: Recorded.self)
        records.append((Recorded.self, UnsafeRawPointer(address)))
    }

    /// Runs a part of the computation that no gradient flows through, such as a teacher or frozen layers, and takes its
    /// memory back but for the result: the one way to leave something out of the backward pass.
    ///
    /// - Parameters:
    ///   - rows: Rows of the result.
    ///   - columns: Columns of the result.
    ///   - body: The computation. Nothing of it but the result is valid afterwards.
    /// - Returns: A copy of the result.
    public func detached(rows: Int, columns: Int, _ body: () -> Value) -> Value {
        let y = input(rows: rows, columns: columns)
        let recorded = recordsGradients
        recordsGradients = false
        defer { recordsGradients = recorded }
        rewinding { y.numbers.update(from: body().numbers) }
        return y
    }

    /// Runs something and takes back the memory that its results and numbers took; none of them is valid afterwards.
    ///
    /// Nothing of it may be recorded: it is detached, or the tape records nothing.
    public func rewinding<Result>(_ body: () throws -> Result) rethrows -> Result {
        try arena.rewinding(body)
    }

    // MARK: Backward

    /// Goes back over every operation, beginning with those that made `value`.
    ///
    /// - Parameters:
    ///   - value: Where the gradient starts.
    ///   - gradient: The gradient of what is minimised with respect to `value`; 1 for a loss.
    ///   - sink: Gets each parameter's gradient.
    public func backward(
        from value: Value, gradient: (Numbers<Float>) -> Void,
        into sink: any GradientSink
    ) {
        precondition(value.wantsGradient, "no gradient was recorded for this value")
        self.sink = sink
        let start = gradientBuffer(value.count)
        gradient(Numbers(startAddress: start, count: value.count))
        gradients[value.slot] = start
        for record in records.reversed() { record.type.backward(at: record.address, on: self) }
        // Those used by operations that take any value, and so do not count uses.
        for index in uses.indices { deliver(index) }
    }

    private func deliver(_ index: Int) {
        guard let data = gradients[index] else { return }
        gradients[index] = nil
        let count = parameters[index].count
        sink?.receive(gradient: Numbers(startAddress: data, count: count), of: index)
        release(data, count: count)
    }

    /// The gradient of an operation's own result; `nil` when nothing that followed needed the result.
    ///
    /// The operation owns the buffer then: it releases it or passes it on.
    func takeGradient(of output: Value) -> UnsafeMutablePointer<Float>? {
        guard output.slot >= 0 else { return nil }
        defer { gradients[output.slot] = nil }
        return gradients[output.slot]
    }

    /// Where to put a contribution to an input's gradient, and whether to add to what is there.
    func contribution(
        to input: Value
    ) -> (data: UnsafeMutablePointer<Float>, accumulates: Bool)? {
        guard input.slot >= 0 else { return nil }
        if let data = gradients[input.slot] { return (data, true) }
        let data = gradientBuffer(input.count)
        gradients[input.slot] = data
        return (data, false)
    }

    /// Like `contribution(to:)` for loops that only add: a first contribution finds zeros.
    func addedContribution(to input: Value) -> UnsafeMutablePointer<Float>? {
        guard let (data, accumulates) = contribution(to: input) else { return nil }
        if !accumulates { data.update(repeating: 0, count: input.count) }
        return data
    }

    /// Gives a gradient buffer to an input whose gradient it is, without copying where it is the first.
    func pass(_ gradient: UnsafeMutablePointer<Float>, to input: Value) {
        guard input.slot >= 0 else { return release(gradient, count: input.count) }
        if let data = gradients[input.slot] {
            add(gradient, into: data, count: input.count)
            release(gradient, count: input.count)
        } else {
            gradients[input.slot] = gradient
        }
    }

    /// Says that a use of a parameter has contributed.
    ///
    /// After the last one the sink gets the gradient.
    public func finishUse(of parameter: Value) {
        let index = parameter.slot
        guard index >= 0, index < uses.count else { return }
        uses[index] -= 1
        if uses[index] == 0 { deliver(index) }
    }

    /// A buffer for the time of the backward pass, with undefined content.
    func gradientBuffer(_ count: Int) -> UnsafeMutablePointer<Float> {
        if let index = free.lastIndex(where: { $0.count == count }) {
            defer { free.swapAt(index, free.count - 1); free.removeLast() }
            return free[index].data
        }
        return gradientArena.floats(count)
    }

    /// Takes a gradient buffer back.
    func release(_ data: UnsafeMutablePointer<Float>, count: Int) {
        free.append((count, data))
    }
}
