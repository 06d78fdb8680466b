import NeuralNetworks

extension Value {
    /// The numbers, to keep beyond the tape's next reset.
    public var array: [Float] { Array(UnsafeBufferPointer(start: data, count: count)) }
}
