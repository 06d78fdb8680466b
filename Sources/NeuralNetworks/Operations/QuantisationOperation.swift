import Kernels

extension Tape {
    /// Each vector's code in its place.
    ///
    /// The gradient of a code gets to the vector that chose it straight through, as it is (van den Oord et al., "Neural
    /// discrete representation learning", 2017). Or it is rotated, turned and scaled as the vector would have to be to become
    /// its code, so that vectors on the same side of a code keep their angle to it (Fifty et al., "Restructuring vector
    /// quantization with the rotation trick", 2024).
    ///
    /// - Parameters:
    ///   - z: Shape `[rows, dimension]`.
    ///   - codebook: Shape `[codes, dimension]`; gets no gradient here.
    ///   - chosen: The code of each row, valid until the tape is reset.
    ///   - rotates: Whether the gradient is rotated on its way past the choice.
    /// - Returns: Shape `[rows, dimension]`.
    public func quantised(
        _ z: Value, codebook: Value, chosen: Numbers<Int32>, rotates: Bool
    ) -> Value {
        precondition(
            z.columns == codebook.columns,
            "vectors of \(z.columns) numbers have no codes of \(codebook.columns)")
        requireCodes(chosen, of: codebook, rows: z.rows)
        let y = result(rows: z.rows, columns: z.columns, wantsGradient: z.wantsGradient)
        for r in 0..<z.rows {
            (y.data + r * y.columns).update(
                from: codebook.data + Int(chosen[r]) * y.columns, count: y.columns)
        }
        if z.wantsGradient { record(QuantisationOperation(z: z, y: y, rotates: rotates)) }
        return y
    }

    /// The mean squared difference between vectors and their codes, weighted for either side.
    ///
    /// - Parameters:
    ///   - z: Shape `[rows, dimension]`.
    ///   - codebook: Shape `[codes, dimension]`.
    ///   - chosen: The code of each row, valid until the tape is reset.
    ///   - commitment: Factor of the vectors' part, which draws them to their codes.
    ///   - codes: Factor of the codebook's part, which draws codes to their vectors; 0 where the codes follow by
    ///     running means.
    /// - Returns: A 1 x 1 value, and the mean squared difference itself in double.
    public func codeLoss(
        _ z: Value, codebook: Value, chosen: Numbers<Int32>, commitment: Float, codes: Float
    ) -> (value: Value, error: Double) {
        requireCodes(chosen, of: codebook, rows: z.rows)
        let y = result(rows: 1, columns: 1)
        var total = 0.0
        for r in 0..<z.rows {
            total += Double(
                squaredDistance(
                    z.data + r * z.columns, codebook.data + Int(chosen[r]) * z.columns,
                    count: z.columns))
        }
        let error = total / Double(z.count)
        y.data[0] = Float(Double(commitment + codes) * error)
        record(
            CodeLossOperation(
                z: z, codebook: codebook, chosen: chosen, commitment: commitment, codes: codes,
                y: y))
        return (y, error)
    }

    private func requireCodes(_ chosen: Numbers<Int32>, of codebook: Value, rows: Int) {
        precondition(
            chosen.count == rows && chosen.allSatisfy { $0 >= 0 && $0 < codebook.rows },
            "\(chosen.count) codes of \(codebook.rows) for \(rows) rows")
    }
}

private struct QuantisationOperation: Operation {
    let z: Value
    let y: Value
    let rotates: Bool

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if rotates {
            for r in 0..<y.rows {
                let start = r * y.columns
                turn(dy + start, from: y.data + start, to: z.data + start)
            }
        }
        tape.pass(dy, to: z)
    }

    /// Applies the transpose of what turns and scales a vector into its code.
    ///
    /// With unit vectors u of the vector, v of the code and r of their sum, the turn is `I - 2 r r' + 2 v u'`. Where a
    /// length is 0 or the two are opposite there is none, and the gradient passes as it is.
    private func turn(_ gradient: MutableFloats, from code: Floats, to vector: Floats) {
        let count = y.columns
        let vectorLength = dot(vector, vector, count: count).squareRoot()
        let codeLength = dot(code, code, count: count).squareRoot()
        guard vectorLength > 0, codeLength > 0 else { return }
        var (square, alongSum, alongCode) = (Float(0), Float(0), Float(0))
        for j in 0..<count {
            let (u, v) = (vector[j] / vectorLength, code[j] / codeLength)
            square += (u + v) * (u + v)
            alongSum += (u + v) * gradient[j]
            alongCode += v * gradient[j]
        }
        guard square > 1e-12 else { return }
        let ratio = codeLength / vectorLength
        for j in 0..<count {
            let (u, v) = (vector[j] / vectorLength, code[j] / codeLength)
            let mirrored = gradient[j] - 2 * alongSum / square * (u + v)
            gradient[j] = ratio * (mirrored + 2 * alongCode * u)
        }
    }
}

private struct CodeLossOperation: Operation {
    let z: Value
    let codebook: Value
    let chosen: Numbers<Int32>
    let commitment: Float
    let codes: Float
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let width = z.columns
        let slope = 2 * dy[0] / Float(z.count)
        if let dz = tape.addedContribution(to: z) {
            let factor = slope * commitment
            forEachRow { row, code in
                let (vector, nearest) = (z.data + row * width, codebook.data + code * width)
                let target = dz + row * width
                for j in 0..<width { target[j] += factor * (vector[j] - nearest[j]) }
            }
        }
        if let dCodes = tape.addedContribution(to: codebook) {
            let factor = slope * codes
            forEachRow { row, code in
                let (vector, nearest) = (z.data + row * width, codebook.data + code * width)
                let target = dCodes + code * width
                for j in 0..<width { target[j] += factor * (nearest[j] - vector[j]) }
            }
            tape.finishUse(of: codebook)
        }
        tape.release(dy, count: 1)
    }

    private func forEachRow(_ body: (_ row: Int, _ code: Int) -> Void) {
        for row in 0..<z.rows { body(row, Int(chosen[row])) }
    }
}
