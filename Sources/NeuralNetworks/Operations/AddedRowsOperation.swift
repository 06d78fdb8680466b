import Kernels

extension Tape {
    /// Adds rows of a table, such as positions, to every group of rows alike.
    ///
    /// - Parameters:
    ///   - table: Shape `[tableRows, columns]`.
    ///   - indices: For each row of a group the row of the table; `groupRows` of them, valid until the tape is reset.
    ///   - groupRows: Rows of a group.
    ///   - x: Shape `[groups * groupRows, columns]`.
    /// - Returns: Shape of `x`.
    public func addRows(
        of table: Value, indices: UnsafePointer<Int32>, groupRows: Int, to x: Value
    ) -> Value {
        precondition(
            x.rows % groupRows == 0 && x.columns == table.columns,
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
        record(
            AddedRowsOperation(table: table, indices: indices, groupRows: groupRows, x: x, y: y))
        return y
    }

    /// Adds a branch to what it branched off, each group of rows times its own factor.
    ///
    /// A factor of 0 drops the branch for a sample (Huang et al., "Deep networks with stochastic depth", 2016).
    ///
    /// - Parameters:
    ///   - branch: Shape `[groups * groupRows, columns]`.
    ///   - factors: One for each group, valid until the tape is reset.
    ///   - groupRows: Rows of a group.
    ///   - x: Shape of `branch`.
    /// - Returns: Shape of `branch`.
    public func addBranch(
        _ branch: Value, factors: UnsafePointer<Float>, groupRows: Int, to x: Value
    ) -> Value {
        precondition(
            branch.rows % groupRows == 0 && branch.count == x.count,
            "\(branch.rows) rows are not made of groups of \(groupRows)")
        let y = result(rows: x.rows, columns: x.columns)
        let size = groupRows * x.columns
        for group in 0..<branch.rows / groupRows {
            let start = group * size
            for i in start..<start + size {
                y.data[i] = x.data[i].addingProduct(factors[group], branch.data[i])
            }
        }
        record(
            AddedBranchOperation(
                branch: branch, factors: factors, groupRows: groupRows, x: x, y: y))
        return y
    }
}

private struct AddedRowsOperation: Operation {
    let table: Value
    let indices: UnsafePointer<Int32>
    let groupRows: Int
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if let dTable = tape.addedContribution(to: table) {
            for row in 0..<y.rows {
                add(
                    dy + row * y.columns,
                    into: dTable + Int(indices[row % groupRows]) * y.columns, count: y.columns)
            }
            tape.finishUse(of: table)
        }
        tape.pass(dy, to: x)
    }
}

private struct AddedBranchOperation: Operation {
    let branch: Value
    let factors: UnsafePointer<Float>
    let groupRows: Int
    let x: Value
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        if branch.wantsGradient {
            let buffer = tape.gradientBuffer(y.count)
            let size = groupRows * y.columns
            for group in 0..<y.rows / groupRows {
                scale(
                    dy + group * size, by: factors[group], into: buffer + group * size,
                    count: size)
            }
            tape.pass(buffer, to: branch)
        }
        tape.pass(dy, to: x)
    }
}
