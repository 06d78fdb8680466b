import Kernels

extension Tape {
    /// Puts rows of two matrices behind each other, group by group.
    ///
    /// - Parameters:
    ///   - first: Shape `[groups * firstRows, columns]`.
    ///   - second: Shape `[groups * secondRows, columns]`, as many groups.
    ///   - groups: Number of groups.
    /// - Returns: Shape `[groups * (firstRows + secondRows), columns]`.
    public func joinGroups(_ first: Value, _ second: Value, groups: Int) -> Value {
        precondition(
            first.rows % groups == 0 && second.rows % groups == 0
                && first.columns == second.columns,
            "\(first.rows) x \(first.columns) and \(second.rows) x \(second.columns) are not "
                + "\(groups) groups each")
        let y = result(rows: first.rows + second.rows, columns: first.columns)
        let (a, b) = (first.count / groups, second.count / groups)
        for group in 0..<groups {
            let target = y.data + group * (a + b)
            target.update(from: first.data + group * a, count: a)
            (target + a).update(from: second.data + group * b, count: b)
        }
        record(JoinedGroupsOperation(first: first, second: second, groups: groups, y: y))
        return y
    }
}

private struct JoinedGroupsOperation: Operation {
    let first: Value
    let second: Value
    let groups: Int
    let y: Value

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        let (a, b) = (first.count / groups, second.count / groups)
        pass(dy, at: 0, size: a, stride: a + b, to: first, on: tape)
        pass(dy, at: a, size: b, stride: a + b, to: second, on: tape)
        tape.release(dy, count: y.count)
    }

    private func pass(
        _ dy: UnsafePointer<Float>, at start: Int, size: Int, stride: Int, to input: Value,
        on tape: Tape
    ) {
        guard let (data, accumulates) = tape.contribution(to: input) else { return }
        for group in 0..<groups {
            let source = dy + group * stride + start
            if accumulates {
                add(source, into: data + group * size, count: size)
            } else {
                (data + group * size).update(from: source, count: size)
            }
        }
    }
}
