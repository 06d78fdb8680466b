import Kernels
import NeuralNetworks

extension Tape {
    /// A test's numbers, copied to the tape.
    public func numbers<Element: BitwiseCopyable>(_ values: [Element]) -> Numbers<Element> {
        let copy = numbers(values.count, of: Element.self)
        copy.update(from: values.span)
        return copy
    }

    /// A test's matrix, copied to the tape.
    public func matrix(_ values: [Float], columns: Int) -> Value {
        let matrix = input(rows: values.count / columns, columns: columns)
        matrix.numbers.update(from: values.span)
        return matrix
    }
}
