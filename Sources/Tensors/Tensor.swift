import Kernels

/// Bytes on the heap, aligned for vector instructions and zero at first.
///
/// `@unchecked Sendable`: the storage has no lock. Whoever holds it alone may write (the owner of a model's
/// parameters, the one thread whose arena it is); everybody else reads while nobody writes.
public final class TensorStorage: @unchecked Sendable {
    /// The bytes.
    public let bytes: UnsafeMutableRawBufferPointer

    /// Zeroed storage, aligned to 64 bytes.
    public init(byteCount: Int) {
        bytes = .allocatePages(byteCount: max(byteCount, 1))
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }

    /// The whole storage as numbers; bytes beyond the last whole one are left out.
    public func numbers<Element: BitwiseCopyable>(of type: Element.Type) -> Numbers<Element> {
        guard let start = bytes.baseAddress else { preconditionFailure("storage without bytes") }
        return Numbers(
            startAddress: start.assumingMemoryBound(to: type),
            count: bytes.count / MemoryLayout<Element>.stride)
    }
}

/// A row-major array of numbers: a shape over a part of a storage.
///
/// A tensor is a reference to its numbers, so copies share them. (State that is trained in place wants just that.)
public struct Tensor: Sendable {
    /// What the elements are.
    public let elementType: ElementType
    /// Sizes of the axes, the last one contiguous.
    public let shape: [Int]
    /// Where the numbers are.
    public let storage: TensorStorage
    /// Where in the storage they begin.
    public let byteOffset: Int

    /// A zeroed tensor of its own.
    public init(_ elementType: ElementType = .float32, shape: [Int]) {
        self.elementType = elementType
        self.shape = shape
        storage = TensorStorage(byteCount: shape.reduce(1, *) * elementType.byteCount)
        byteOffset = 0
    }

    /// A view of a part of a storage.
    ///
    /// - Precondition: The part lies within the storage and is aligned to its elements.
    public init(_ elementType: ElementType, shape: [Int], storage: TensorStorage, byteOffset: Int) {
        let end = byteOffset + shape.reduce(1, *) * elementType.byteCount
        precondition(
            byteOffset >= 0 && end <= storage.bytes.count
                && byteOffset % elementType.byteCount == 0,
            "a \(elementType.rawValue) view \(shape) at \(byteOffset) leaves \(storage.bytes.count) bytes"
        )
        self.elementType = elementType
        self.shape = shape
        self.storage = storage
        self.byteOffset = byteOffset
    }

    /// A float32 tensor of given values.
    public init(_ values: [Float], shape: [Int]) {
        precondition(
            values.count == shape.reduce(1, *), "\(values.count) values do not fill \(shape)")
        self.init(.float32, shape: shape)
        storage.bytes.copyBytes(from: values.withUnsafeBytes { Array($0) })
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Size in bytes.
    public var byteCount: Int { count * elementType.byteCount }

    /// The bytes, for reading and writing.
    public var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: storage.bytes[byteOffset..<byteOffset + byteCount])
    }

    /// The numbers of a float32 tensor.
    ///
    /// - Precondition: `elementType == .float32`.
    public var floats: UnsafeMutableBufferPointer<Float> {
        precondition(elementType == .float32, "a \(elementType.rawValue) tensor has no floats")
        return bytes.assumingMemoryBound(to: Float.self)
    }

    /// The numbers by their type, to be read and written within their bounds; valid as long as the tensor.
    ///
    /// - Precondition: The type is as large as the tensor's elements.
    public func numbers<Element: BitwiseCopyable>(of type: Element.Type) -> Numbers<Element> {
        let size = MemoryLayout<Element>.stride
        precondition(
            size == elementType.byteCount, "a \(elementType.rawValue) tensor of \(size) bytes each")
        return storage.numbers(of: type).part(byteOffset / size..<byteOffset / size + count)
    }

    /// The numbers of a float32 tensor, to be read and written within their bounds; valid as long as the tensor.
    ///
    /// - Precondition: `elementType == .float32`.
    public var numbers: Numbers<Float> {
        precondition(elementType == .float32, "a \(elementType.rawValue) tensor has no floats")
        return numbers(of: Float.self)
    }

    /// The numbers of a float32 tensor, copied.
    public var floatArray: [Float] { Array(floats) }

    /// The same numbers under another shape.
    ///
    /// - Precondition: Both shapes have as many elements.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(self.shape) cannot become \(shape)")
        return Tensor(elementType, shape: shape, storage: storage, byteOffset: byteOffset)
    }

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

    /// A tensor of its own with the same numbers.
    public func copied() -> Tensor {
        let copy = Tensor(elementType, shape: shape)
        copy.bytes.copyMemory(from: UnsafeRawBufferPointer(bytes))
        return copy
    }
}

/// A tensor under a name, as files and digests know it.
public struct NamedTensor: Sendable {
    /// The name, such as `encoder.block0.attn.norm.weight`.
    public let name: String
    /// The numbers.
    public let tensor: Tensor

    /// A named tensor.
    public init(_ name: String, _ tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}
