import Kernels

extension PositionTable {
    /// A table over a grid of leads and times, lead-major: the first half of a row tells the time, the second the lead.
    ///
    /// Each half is `[sin(i w_k) | cos(i w_k)]` with `w_k = 10000^(-k / (width / 4))`, computed in double and rounded.
    ///
    /// - Returns: Shape `[leads * columns, width]`.
    static func grid(leads: Int, columns: Int, width: Int) -> [Float] {
        let quarter = width / 4
        let frequencies = (0..<quarter).map {
            ElementaryFunctions.power(10_000, -Double($0) / Double(quarter))
        }
        var table: [Float] = []
        table.reserveCapacity(leads * columns * width)
        for lead in 0..<leads {
            for column in 0..<columns {
                for index in [column, lead] {
                    let angles = frequencies.map { Double(index) * $0 }
                    table += angles.map { Float(ElementaryFunctions.sine($0)) }
                    table += angles.map { Float(ElementaryFunctions.cosine($0)) }
                }
            }
        }
        return table
    }
}
