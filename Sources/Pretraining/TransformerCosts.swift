import Configurations

/// What a stack of blocks costs, for rates and for estimates of memory.
extension TransformerConfiguration {
    /// Multiplications of the matrix products of a forward pass over one sequence, attention over all its tokens.
    func multiplications(tokens: Int) -> Double {
        let inner = heads * headWidth
        let weights = Double(4 * width * inner + 2 * width * mlpWidth)
        return Double(depth) * Double(tokens) * (weights + 2 * Double(tokens * inner))
    }

    /// Numbers that the backward pass needs of one sequence: inputs, norms, projections, probabilities, hidden layers.
    func activations(tokens: Int) -> Int {
        let inner = heads * headWidth
        let perToken = Double(4 * width + 4 * inner + 2 * mlpWidth)
        let numbers =
            Double(depth) * Double(tokens) * (perToken + Double(heads) * Double(tokens))
        // The largest sizes that a configuration may name are beyond `Int`; several of these can still be added up.
        return Int(min(numbers, Double(1 << 56)))
    }
}
