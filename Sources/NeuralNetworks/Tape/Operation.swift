/// One step of a computation as the tape keeps it: what the backward pass needs, and that pass itself.
///
/// An operation is a small value of handles and pointers into the tape's arena. Its forward pass is a method of
/// `Tape` in the same file, so that a reader has both in view.
public protocol Operation: BitwiseCopyable {
    /// Adds this operation's share to the gradients of its inputs.
    func backward(on tape: Tape)
}

extension Operation {
    static func backward(at address: UnsafeRawPointer, on tape: Tape) {
        address.load(as: Self.self).backward(on: tape)
    }
}

/// The result of an operation: a matrix in the tape's arena, rows of `columns` numbers.
///
/// What the rows mean (samples, tokens, patches) is the caller's business. The numbers live until the tape is
/// reset or released, so whoever reads them keeps the tape.
public struct Value: BitwiseCopyable {
    /// The numbers, `rows * columns` of them.
    let data: UnsafeMutablePointer<Float>
    /// Number of rows.
    public let rows: Int
    /// Numbers in a row.
    public let columns: Int
    /// The gradient's place on the tape; negative where no gradient is wanted.
    let slot: Int

    /// Number of elements.
    public var count: Int { rows * columns }

    /// Whether the backward pass reaches it.
    public var wantsGradient: Bool { slot >= 0 }

    /// The same numbers cut into rows of another length.
    ///
    /// - Precondition: `count` is a multiple of `columns`.
    public func reshaped(columns: Int) -> Value {
        precondition(count % columns == 0, "\(count) numbers have no rows of \(columns)")
        return Value(data: data, rows: count / columns, columns: columns, slot: slot)
    }
}
