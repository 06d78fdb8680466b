import Kernels
import LinearAlgebra
import Tensors

/// How methods see a value: rows and columns with their bounds, no addresses.
extension Value {
    /// All numbers, row by row.
    public var numbers: Numbers<Float> { Numbers(startAddress: data, count: count) }

    /// The numbers of a row.
    ///
    /// - Precondition: The row is one of the value's.
    public func row(_ index: Int) -> Numbers<Float> {
        precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
        return Numbers(startAddress: data + index * columns, count: columns)
    }

    /// Neighbouring rows, without a gradient.
    ///
    /// - Precondition: They are rows of the value.
    public func rows(_ range: Range<Int>) -> Value {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return Value(
            data: data + range.lowerBound * columns, rows: range.count, columns: columns, slot: -1)
    }

    /// A number.
    ///
    /// - Precondition: Row and column are the value's.
    public subscript(row: Int, column: Int) -> Float {
        get {
            precondition(
                row >= 0 && row < rows && column >= 0 && column < columns,
                "place beyond the value")
            return data[row * columns + column]
        }
        nonmutating set {
            precondition(
                row >= 0 && row < rows && column >= 0 && column < columns,
                "place beyond the value")
            data[row * columns + column] = newValue
        }
    }

    /// The value for matrix products.
    public var matrix: MatrixView { MatrixView(numbers, columns: columns) }

    /// The numbers, to keep beyond the tape's next reset.
    public var array: [Float] { Array(numbers) }
}

extension Arena {
    /// Numbers with undefined content.
    func numbers<Element: BitwiseCopyable>(
        _ count: Int, of type: Element.Type
    ) -> Numbers<Element> {
        Numbers(
            startAddress: bytes(count * MemoryLayout<Element>.stride)
                .bindMemory(to: type, capacity: count), count: count)
    }
}

extension Tape {
    /// Numbers of the tape's arena with undefined content, valid until it is reset or released.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - type: What they are.
    /// - Returns: A handle to them.
    public func numbers<Element: BitwiseCopyable>(
        _ count: Int, of type: Element.Type
    ) -> Numbers<Element> { arena.numbers(count, of: type) }

    /// The same number again and again.
    public func numbers<Element: BitwiseCopyable>(
        repeating value: Element, count: Int
    ) -> Numbers<Element> {
        let numbers = arena.numbers(count, of: Element.self)
        numbers.update(repeating: value)
        return numbers
    }

    /// A matrix of zeros that is not differentiated.
    public func zeros(rows: Int, columns: Int) -> Value {
        let zeros = input(rows: rows, columns: columns)
        zeros.numbers.update(repeating: 0)
        return zeros
    }
}

/// Softmax of `scale * x` over each row, in place, and the logarithm of each row's sum of exponentials.
///
/// - Parameters:
///   - x: -infinity takes no part. Every row has a finite number.
///   - scale: Positive.
///   - logarithms: Gets `log(sum(exp(scale * x)))` of each row.
public func softmaxRows(_ x: Value, scale: Float, logarithms: Numbers<Double>) {
    precondition(logarithms.count == x.rows, "\(logarithms.count) logarithms of \(x.rows) rows")
    softmaxRows(
        x.data, scale: scale, rows: x.rows, columns: x.columns,
        logarithms: logarithms.startAddress)
}
