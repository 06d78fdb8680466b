import Checkpoints
import LinearAlgebra
import Tensors

extension Matrix {
    /// A tensor's numbers in double; one axis becomes a single column, further axes are joined to the columns.
    public init(_ tensor: Tensor) {
        let rows = tensor.shape.first ?? 1
        self.init(
            rows: rows, columns: tensor.shape.dropFirst().reduce(1, *), values: tensor.doubles)
    }
}

extension Tensor {
    /// The numbers in double, whatever they are stored as.
    public var doubles: [Double] {
        func numbers<Number>(_ type: Number.Type, _ double: (Number) -> Double) -> [Double] {
            (0..<count).map {
                double(
                    UnsafeRawBufferPointer(bytes).loadUnaligned(
                        fromByteOffset: $0 * elementType.byteCount, as: type))
            }
        }
        return switch elementType {
        case .float32: numbers(Float.self) { Double($0) }
        case .float64: numbers(Double.self) { $0 }
        case .int64: numbers(Int64.self) { Double($0) }
        case .int32: numbers(Int32.self) { Double($0) }
        case .int16: numbers(Int16.self) { Double($0) }
        case .int8: numbers(Int8.self) { Double($0) }
        case .uint8: numbers(UInt8.self) { Double($0) }
        }
    }
}
