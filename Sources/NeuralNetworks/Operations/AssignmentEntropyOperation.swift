import Kernels
import LinearAlgebra

extension Tape {
    /// The entropy of soft assignments: small where each vector is near one code, and the codes of all are many.
    ///
    /// A vector's soft assignment is the softmax of its squared distances to the codes, negative and over a
    /// temperature. The value is the mean of the assignments' entropies minus the entropy of their mean.
    ///
    /// Source: Yu et al., "Language model beats diffusion: tokenizer is key to visual generation", 2024.
    ///
    /// - Parameters:
    ///   - z: Shape `[rows, dimension]`.
    ///   - codebook: Shape `[codes, dimension]`; gets no gradient.
    ///   - temperature: Of the softmax.
    /// - Returns: A 1 x 1 value, and both entropies.
    public func assignmentEntropy(
        _ z: Value, codebook: Value, temperature: Float
    ) -> (value: Value, perVector: Double, ofMean: Double) {
        let (rows, codes) = (z.rows, codebook.rows)
        let y = result(rows: 1, columns: 1)
        let logarithms = arena.floats(rows * codes)
        let probabilities = arena.floats(rows * codes)
        fillWithNegativeDistances(logarithms, z: z, codebook: codebook)
        probabilities.update(from: logarithms, count: rows * codes)
        softmaxRows(probabilities, scale: 1 / temperature, rows: rows, columns: codes)
        var perVector = 0.0
        let mean = arena.floats(codes)
        mean.update(repeating: 0, count: codes)
        for r in 0..<rows {
            let (p, logs) = (probabilities + r * codes, logarithms + r * codes)
            // The largest probability is one over the softmax's divisor.
            let largest = maximum(logs, count: codes)
            let offset = Float(
                ElementaryFunctions.logarithm(Double(maximum(p, count: codes))))
            for k in 0..<codes { logs[k] = (logs[k] - largest) / temperature + offset }
            perVector -= Double(dot(p, logs, count: codes))
        }
        perVector /= Double(rows)
        addColumnSums(probabilities, rows: rows, columns: codes, into: mean)
        var ofMean = 0.0
        for k in 0..<codes {
            let share = Double(mean[k]) / Double(rows)
            let logarithm = ElementaryFunctions.logarithm(
                max(share, Double(Float.leastNormalMagnitude)))
            ofMean -= share * logarithm
            mean[k] = Float(logarithm)
        }
        y.data[0] = Float(perVector - ofMean)
        record(
            AssignmentEntropyOperation(
                z: z, codebook: codebook, probabilities: probabilities, logarithms: logarithms,
                logarithmsOfMean: mean, temperature: temperature, y: y))
        return (y, perVector, ofMean)
    }

    private func fillWithNegativeDistances(_ target: MutableFloats, z: Value, codebook: Value) {
        let (rows, codes, width) = (z.rows, codebook.rows, z.columns)
        for r in 0..<rows {
            let row = z.data + r * width
            for k in 0..<codes {
                target[r * codes + k] = -squaredDistance(
                    row, codebook.data + k * width, count: width)
            }
        }
    }
}

private struct AssignmentEntropyOperation: Operation {
    let z: Value
    let codebook: Value
    /// Shape `[rows, codes]`, as are their logarithms.
    let probabilities: MutableFloats
    let logarithms: MutableFloats
    /// Shape `[codes]`.
    let logarithmsOfMean: MutableFloats
    let temperature: Float
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let (rows, codes, width) = (z.rows, codebook.rows, z.columns)
        if let (dz, accumulates) = tape.contribution(to: z) {
            let slopes = tape.gradientBuffer(rows * codes)
            let factor = dy[0] / Float(rows)
            for r in 0..<rows {
                let (slope, logs) = (slopes + r * codes, logarithms + r * codes)
                for k in 0..<codes { slope[k] = factor * (logarithmsOfMean[k] - logs[k]) }
            }
            softmaxRowsBackward(
                slopes, probabilities: probabilities, scale: 1 / temperature, rows: rows,
                columns: codes)
            // A row's slopes add up to 0, so of the derivative 2 (code - z) only the code's part is left.
            MatrixProduct.multiply(
                .init(slopes, stride: codes), .init(codebook.data, stride: width),
                m: rows, n: width, k: codes, alpha: 2, beta: accumulates ? 1 : 0, into: dz)
            tape.release(slopes, count: rows * codes)
        }
        tape.release(dy, count: 1)
    }
}
