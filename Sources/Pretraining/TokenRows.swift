import Kernels
import NeuralNetworks

/// Some rows of a matrix of tokens; valid until the tape is reset.
struct TokenRows: BitwiseCopyable {
    let indices: Numbers<Int32>
    var count: Int { indices.count }

    init(indices: Numbers<Int32>) { self.indices = indices }

    /// The same places of every group of rows.
    init(_ places: Range<Int>, ofGroups groups: Int, length: Int, on tape: Tape) {
        let rows = tape.numbers(groups * places.count, of: Int32.self)
        for group in 0..<groups {
            for (index, place) in places.enumerated() {
                rows[group * places.count + index] = Int32(group * length + place)
            }
        }
        self.init(indices: rows)
    }
}
