/// Gradients for operations that methods have of their own: matrices with their bounds, no addresses.
extension Tape {
    /// The gradient of an operation's own result, in the result's shape; `nil` when nothing that followed needed the result.
    ///
    /// The operation owns it then: it releases it or passes it on.
    public func takenGradient(of output: Value) -> Value? {
        takeGradient(of: output).map { gradient(at: $0, like: output) }
    }

    /// The gradient of an input, in the input's shape, to be added to; `nil` where none is wanted.
    public func addedGradient(to input: Value) -> Value? {
        addedContribution(to: input).map { gradient(at: $0, like: input) }
    }

    /// Gives a taken gradient to an input whose gradient it is.
    public func pass(_ gradient: Value, to input: Value) {
        precondition(
            gradient.count == input.count, "a gradient of \(gradient.count) for \(input.count)")
        pass(gradient.data, to: input)
    }

    /// Takes a taken gradient back.
    public func release(_ gradient: Value) { release(gradient.data, count: gradient.count) }

    private func gradient(at data: UnsafeMutablePointer<Float>, like value: Value) -> Value {
        Value(data: data, rows: value.rows, columns: value.columns, slot: -1)
    }
}
