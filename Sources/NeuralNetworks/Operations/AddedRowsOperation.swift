import Kernels

extension Tape {
    /// Adds rows of a table, such as positions, to every group of rows alike.
    ///
    /// - Parameters:
    ///   - table: Shape `[tableRows, columns]`.
    ///   - indices: For each row of a group the row of the table, valid until the tape is reset.
    ///   - x: Shape `[groups * indices.count, columns]`.
    /// - Returns: Shape of `x`.
    public func addRows(
        of table: Value, indices: Numbers<Int32>, to x: Value
    ) -> Value {
        let groupRows = indices.count
        precondition(
            groupRows > 0 && x.rows % groupRows == 0 && x.columns == table.columns,
            "\(x.rows) x \(x.columns) has no groups of \(groupRows) x \(table.columns)")
        let y = result(rows: x.rows, columns: x.columns)
        let width = x.columns
        for row in 0..<x.rows {
            let index = Int(indices[row % groupRows])
            precondition(index >= 0 && index < table.rows, "row \(index) of \(table.rows)")
            let (source, added) = (x.data + row * width, table.data + index * width)
            let target = y.data + row * width
            for j in 0..<width { target[j] = source[j] + added[j] }
        }
        record(AddedRowsOperation(table: table, indices: indices, x: x, y: y))
        return y
    }

    /// Adds a branch to what it branched off, each group of rows times its own factor.
    ///
    /// A factor of 0 drops the branch for a sample (Huang et al., "Deep networks with stochastic depth", 2016).
    ///
    /// - Parameters:
    ///   - branch: Shape `[groups * groupRows, columns]`.
    ///   - factors: One for each group, valid until the tape is reset.
    ///   - x: Shape of `branch`.
    /// - Returns: Shape of `branch`.
    public func addBranch(
        _ branch: Value, factors: Numbers<Float>, to x: Value
    ) -> Value {
        precondition(
            !factors.isEmpty && branch.rows % factors.count == 0 && branch.count == x.count,
            "\(branch.rows) rows are not \(factors.count) groups")
        let y = result(rows: x.rows, columns: x.columns)
        let size = x.count / factors.count
        for (group, factor) in factors.enumerated() {
            let start = group * size
            for i in start..<start + size {
                y.data[i] = x.data[i].addingProduct(factor, branch.data[i])
            }
        }
        record(AddedBranchOperation(branch: branch, factors: factors, x: x, y: y))
        return y
    }
}

private struct AddedRowsOperation: Operation {
    let table: Value
    let indices: Numbers<Int32>
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let dTable = tape.addedContribution(to: table) {
            for row in 0..<y.rows {
                add(
                    dy + row * y.columns,
                    into: dTable + Int(indices[row % indices.count]) * y.columns, count: y.columns)
            }
            tape.finishUse(of: table)
        }
        tape.pass(dy, to: x)
    }
}

private struct AddedBranchOperation: Operation {
    let branch: Value
    let factors: Numbers<Float>
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if branch.wantsGradient {
            let buffer = tape.gradientBuffer(y.count)
            let size = y.count / factors.count
            for (group, factor) in factors.enumerated() {
                scale(dy + group * size, by: factor, into: buffer + group * size, count: size)
            }
            tape.pass(buffer, to: branch)
        }
        tape.pass(dy, to: x)
    }
}
