import Foundation
import Tensors

/// A folder of its own for a test, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/checkpoints-\(UUID())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "\(path)/\(name)")))
    }

    func write(_ bytes: some Sequence<UInt8>, _ name: String) throws -> String {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

/// A tensor whose bytes follow from a seed: `31 i + i / 256 + seed`, modulo 256.
func patterned(_ type: ElementType, _ shape: [Int], seed: UInt8 = 1) -> Tensor {
    let tensor = Tensor(type, shape: shape)
    let bytes = tensor.bytes
    let period = 65_536
    for i in 0..<min(period, bytes.count) {
        bytes[i] = UInt8(truncatingIfNeeded: i &* 31 &+ i >> 8 &+ Int(seed))
    }
    for start in stride(from: period, to: bytes.count, by: period) {
        let end = min(start + period, bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<(end - start)]))
    }
    return tensor
}

/// A float32 tensor whose bytes follow from a seed.
func patterned(_ shape: [Int], seed: UInt8 = 1) -> Tensor { patterned(.float32, shape, seed: seed) }
